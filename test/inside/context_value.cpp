// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include <ferry/context_value.hpp>

#define BOOST_TEST_MODULE context_value
#include <boost/test/unit_test.hpp>

#include "helpers/gate.hpp"
#include "helpers/manual_executor.hpp"
#include "helpers/run_on.hpp"

#include <ferry/ferry.hpp>

#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>

#include <string>
#include <vector>

namespace asio = boost::asio;
using namespace std::chrono_literals;

namespace {

ferry::context_value<std::string> id;
ferry::context_value<int> depth;

// What the calling thread sees.
std::string seen() { return id.get() != nullptr ? *id.get() : "nothing"; }

asio::awaitable<std::string> seen_after_a_timer() {
    asio::steady_timer timer(co_await asio::this_coro::executor, 1us);
    co_await timer.async_wait(asio::use_awaitable);
    co_return seen();
}

asio::awaitable<std::string> seen_in_a_pool(ferry::thread_pool& pool) {
    co_return co_await ferry::run_in_executor(pool, seen);
}

} // namespace

BOOST_AUTO_TEST_CASE(there_is_no_value_until_one_is_set) {
    BOOST_TEST(id.get() == nullptr);
    {
        const auto outer = id.set("a");
        BOOST_TEST(seen() == "a");
        {
            const auto inner = id.set("b");
            const auto other = depth.set(2);
            BOOST_TEST(seen() == "b");
            BOOST_TEST(*depth.get() == 2);
        }
        BOOST_TEST(seen() == "a");
        BOOST_TEST(depth.get() == nullptr);
    }
    BOOST_TEST(id.get() == nullptr);
}

BOOST_AUTO_TEST_CASE(a_new_object_does_not_see_the_value_of_one_that_was_there) {
    std::optional<ferry::context_value<int>> v(std::in_place);
    gate ready;
    ferry::thread_pool pool(1);
    {
        const auto s = v->set(1);
        pool.submit([&] { ready.pass(); });
        const auto f = pool.submit([&] { return v->get() == nullptr; });
        v.emplace(); // at the same address
        ready.open();
        BOOST_TEST(f.result());
    }
}

BOOST_AUTO_TEST_CASE(a_task_sees_what_its_submitter_saw) {
    gate g;
    ferry::thread_pool pool(1);
    ferry::future<std::string> with, labelled;
    {
        const auto s = id.set("r-1");
        pool.submit([&] { g.pass(); });
        with = pool.submit(seen);
        labelled = pool.submit({.label = "x"}, seen);
    }
    const auto without = pool.submit(seen);
    g.open();
    BOOST_TEST(with.result() == "r-1");
    BOOST_TEST(labelled.result() == "r-1");
    BOOST_TEST(without.result() == "nothing");
}

BOOST_AUTO_TEST_CASE(what_a_task_sets_ends_with_it) {
    ferry::thread_pool pool(1);
    const auto inner = pool.submit([&] {
        const auto s = id.set("inner");
        return pool.submit(seen);
    });
    BOOST_TEST(inner.result().result() == "inner");
    BOOST_TEST(pool.submit(seen).result() == "nothing");
}

BOOST_AUTO_TEST_CASE(a_task_that_a_waiting_worker_runs_sees_its_own_context) {
    ferry::thread_pool pool(1);
    const auto f = pool.submit([&] {
        const auto inner = [&] {
            const auto s = id.set("of the task");
            return pool.submit(seen);
        }();
        const auto s = id.set("of the waiter");
        const std::string helped = inner.result();
        return helped + ", " + seen();
    });
    BOOST_TEST(f.result() == "of the task, of the waiter");
}

BOOST_AUTO_TEST_CASE(map_carries_the_value) {
    ferry::thread_pool pool(2);
    const auto s = id.set("m");
    const std::vector<int> numbers{1, 2, 3};
    int count = 0;
    for (const std::string& text : pool.map([](int) { return seen(); }, numbers)) {
        BOOST_TEST(text == "m");
        ++count;
    }
    BOOST_TEST(count == 3);
}

BOOST_AUTO_TEST_CASE(a_callback_sees_what_was_there_at_its_registration) {
    ferry::promise<int> p;
    const auto f = p.get_future();
    std::vector<std::string> order;
    {
        const auto s = id.set("registered");
        f.add_done_callback([&](const auto&) { order.push_back(seen()); });
    }
    f.add_done_callback([&](const auto&) { order.push_back(seen()); });
    {
        const auto s = id.set("completing");
        p.set_value(1);
        f.add_done_callback([&](const auto&) { order.push_back(seen()); }); // at once
        BOOST_TEST(seen() == "completing");
    }
    BOOST_TEST(order == (std::vector<std::string>{"registered", "nothing", "completing"}),
               boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_strand_carries_the_value) {
    ferry::thread_pool pool(2);
    const auto strand = asio::make_strand(pool.get_executor());
    ferry::future<std::string> f;
    {
        const auto s = id.set("strand");
        f = ferry::submit(strand, seen);
    }
    BOOST_TEST(f.result() == "strand");
    BOOST_TEST(ferry::submit(strand, seen).result() == "nothing");
}

BOOST_AUTO_TEST_CASE(a_coroutine_sees_the_value_wherever_it_resumes) {
    ferry::thread_pool pool(2);
    const auto body = [&]() -> asio::awaitable<void> {
        BOOST_TEST(seen() == "nothing");
        const auto inner = [&]() -> asio::awaitable<std::string> {
            BOOST_TEST(seen() == "r-7");
            BOOST_TEST(co_await seen_after_a_timer() == "r-7");
            BOOST_TEST(seen() == "r-7");
            BOOST_TEST(co_await seen_in_a_pool(pool) == "r-7");
            const auto nested = co_await id.with("r-8", seen_in_a_pool(pool));
            BOOST_TEST(nested == "r-8");
            co_return seen();
        };
        BOOST_TEST(co_await id.with("r-7", inner()) == "r-7");
        BOOST_TEST(seen() == "nothing");
        BOOST_TEST(co_await seen_after_a_timer() == "nothing");
    };
    ferry::run(body());
    asio::io_context io;
    run_on(io, body);
}

BOOST_AUTO_TEST_CASE(the_result_and_the_exception_of_the_coroutine_come_through) {
    const auto thrower = []() -> asio::awaitable<int> {
        throw std::runtime_error("x");
        co_return 1;
    };
    const auto nothing = []() -> asio::awaitable<void> { co_return; };
    const auto body = [&]() -> asio::awaitable<void> {
        BOOST_CHECK_THROW(co_await id.with("a", thrower()), std::runtime_error);
        co_await id.with("a", nothing());
    };
    ferry::run(body());
}

BOOST_AUTO_TEST_CASE(a_cancellation_goes_through) {
    const auto sleeper = []() -> asio::awaitable<void> {
        asio::steady_timer timer(co_await asio::this_coro::executor,
                                 asio::steady_timer::time_point::max());
        co_await timer.async_wait(asio::use_awaitable);
    };
    const auto body = [&]() -> asio::awaitable<void> {
        BOOST_CHECK_THROW(co_await ferry::wait_for(id.with("a", sleeper()), 1ms),
                          ferry::timeout_error);
    };
    ferry::run(body());
}

BOOST_AUTO_TEST_CASE(children_see_what_was_there_at_their_start) {
    ferry::thread_pool pool(2);
    const auto children = [&]() -> asio::awaitable<void> {
        auto [a, b] =
            co_await ferry::gather(seen_after_a_timer(), id.with("b", seen_after_a_timer()));
        BOOST_TEST(a == "c");
        BOOST_TEST(b == "b");
        ferry::future<std::string> spawned, other;
        const auto group = [&](ferry::task_group& g) -> asio::awaitable<void> {
            spawned = g.spawn(seen_after_a_timer());
            {
                const auto s = id.set("own");
                other = g.spawn(seen_after_a_timer());
            }
            co_return;
        };
        co_await ferry::with_task_group(group);
        BOOST_TEST(spawned.result() == "c");
        BOOST_TEST(other.result() == "own");
        BOOST_TEST(co_await ferry::wait_for(seen_after_a_timer(), 1h) == "c");
        BOOST_TEST(co_await ferry::shield(seen_after_a_timer()) == "c");
        BOOST_TEST(seen() == "c");
    };
    const auto body = [&]() -> asio::awaitable<void> { co_await id.with("c", children()); };
    ferry::run(body());
    asio::io_context io;
    run_on(io, body);
}

BOOST_AUTO_TEST_CASE(run_keeps_what_its_caller_sees) {
    const auto s = id.set("main");
    BOOST_TEST(ferry::run(seen_after_a_timer()) == "main");
}

BOOST_AUTO_TEST_CASE(a_strand_is_recognised_behind_a_context) {
    gate done;
    ferry::thread_pool pool(1);
    const auto strand = asio::make_strand(pool.get_executor());
    const auto body = [&]() -> asio::awaitable<void> {
        const auto ex = co_await asio::this_coro::executor;
        const auto f = ferry::submit(ex, [] {});
        BOOST_CHECK_THROW(f.wait(), ferry::would_deadlock);
    };
    asio::co_spawn(strand, id.with("s", body()), [&](std::exception_ptr e) {
        BOOST_TEST((e == nullptr));
        done.open();
    });
    done.pass();
}

BOOST_AUTO_TEST_CASE(a_hook_carries_the_context_of_a_tracer) {
    static thread_local std::string span;
    struct active { // as a tracer's scope
        std::string outer;
        explicit active(std::string s) : outer(std::exchange(span, std::move(s))) {}
        ~active() { span = outer; }
    };
    const auto old = ferry::set_context_hook([]() -> ferry::context_activation {
        if (span.empty())
            return {};
        return [s = span] { return std::make_shared<active>(s); };
    });
    BOOST_TEST(!old);
    {
        ferry::thread_pool pool(1);
        const auto span_of = [] { return span; };
        ferry::future<std::string> f;
        std::string of_callback;
        {
            const active a("checkout");
            f = pool.submit(span_of);
            f.add_done_callback([&](const auto&) { of_callback = span; });
        }
        BOOST_TEST(f.result() == "checkout");
        BOOST_TEST(pool.submit(span_of).result() == "");
        const auto child = [&]() -> asio::awaitable<std::string> {
            co_await seen_after_a_timer();
            co_return span;
        };
        const auto body = [&]() -> asio::awaitable<void> {
            std::vector<asio::awaitable<std::string>> children;
            {
                const active a("gathered");
                auto g =
                    ferry::run_coroutine_threadsafe(co_await asio::this_coro::executor, child());
                children.push_back(std::move(g).async_result());
            }
            const auto values = co_await ferry::gather(std::move(children));
            BOOST_TEST(values.front() == "gathered");
            BOOST_TEST(span == "");
        };
        ferry::run(body());
        pool.shutdown();
        BOOST_TEST(of_callback == "checkout");
    }
    BOOST_TEST(static_cast<bool>(ferry::set_context_hook({})));
}

BOOST_AUTO_TEST_CASE(what_the_hook_throws_is_reported_and_the_task_runs) {
    int reports = 0;
    const auto old = ferry::set_unhandled_callback([&](std::exception_ptr) { ++reports; });
    ferry::set_context_hook([]() -> ferry::context_activation { throw std::runtime_error("x"); });
    {
        ferry::thread_pool pool(1);
        BOOST_TEST(pool.submit([] { return 1; }).result() == 1);
        BOOST_TEST(reports == 1);
    }
    ferry::set_context_hook({});
    ferry::set_unhandled_callback(old);
}
