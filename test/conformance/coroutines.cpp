// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
// What coroutines see of futures, pools and each other.
#include <ferry/ferry.hpp>

#include "helpers/gate.hpp"
#include "helpers/submit_until_refused.hpp"

#define BOOST_TEST_MODULE coroutines
#include <boost/test/unit_test.hpp>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <algorithm>
#include <atomic>
#include <numeric>
#include <thread>
#include <vector>

namespace asio = boost::asio;
using asio::awaitable;
using namespace ferry;
using namespace std::chrono_literals;

namespace {

awaitable<std::thread::id> thread_of_a_coroutine() { co_return std::this_thread::get_id(); }
awaitable<int> five() {
    co_return co_await to_thread([] { return 5; });
}

template <class F>
concept offloadable_from_a_coroutine = requires(F f, thread_pool& pool) {
    to_thread(f);
    run_in_executor(pool, f);
};
static_assert(offloadable_from_a_coroutine<int (*)()>);
static_assert(!offloadable_from_a_coroutine<awaitable<int> (*)()>); // CF-SUB-12

} // namespace

BOOST_AUTO_TEST_CASE(
    a_future_is_awaited_on_the_coroutines_own_executor) { // CF-ASY-06 -08 CF-IOP-02
    thread_pool pool(1);
    asio::io_context io;
    const auto strand = asio::make_strand(io);
    promise<int> value, failure;
    int got = 0;
    asio::co_spawn(
        strand,
        [&]() -> awaitable<void> {
            auto v = value.get_future(), f = failure.get_future();
            pool.submit([&] { value.set_value(1); });
            got += co_await v.async_result();
            BOOST_TEST(strand.running_in_this_thread());
            pool.submit([&] { failure.set_exception(std::make_exception_ptr(2)); });
            try {
                co_await f.async_result();
            } catch (int n) {
                got += n;
            }
            BOOST_TEST(strand.running_in_this_thread());
        },
        asio::detached);
    io.run();
    BOOST_TEST(got == 3);
}

BOOST_AUTO_TEST_CASE(cancelling_the_coroutine_cancels_what_it_awaits) { // CF-CAN-15
    asio::io_context io;
    promise<int> p;
    auto f = p.get_future();
    asio::cancellation_signal signal;
    std::exception_ptr outcome;
    asio::co_spawn(io, f.async_result(),
                   asio::bind_cancellation_slot(signal.slot(),
                                                [&](std::exception_ptr e, int) { outcome = e; }));
    io.poll();
    BOOST_TEST(!f.done());
    signal.emit(asio::cancellation_type::terminal);
    io.run();
    BOOST_TEST(f.cancelled());
    BOOST_CHECK_THROW(std::rethrow_exception(outcome), cancelled_error);
    promise<int> q;
    q.set_value(1);
    BOOST_TEST(!q.get_future().cancel());
}

BOOST_AUTO_TEST_CASE(a_call_to_thread_runs_once_with_its_arguments) { // CF-ASY-17 -18
    std::atomic<int> runs{0};
    run([&]() -> awaitable<void> {
        BOOST_TEST(co_await to_thread([&](int a, int b) { return ++runs, a - b; }, 5, 3) == 2);
        BOOST_TEST(runs == 1);
        bool thrown = false;
        try {
            co_await to_thread([&] { throw ++runs; });
        } catch (int n) {
            thrown = n == 2;
        }
        BOOST_TEST(thrown);
    }());
    BOOST_TEST(runs == 2);
}

BOOST_AUTO_TEST_CASE(the_chosen_default_executor_runs_the_calls) { // CF-ASY-12
    thread_pool pool(1);
    asio::io_context io;
    set_default_executor(io, pool);
    bool inside = false;
    const auto check = [&] { inside = pool.get_executor().running_in_this_thread(); };
    asio::co_spawn(io, to_thread(check), asio::detached);
    io.run();
    BOOST_TEST(inside);
}

BOOST_AUTO_TEST_CASE(the_default_executor_of_a_dying_context_refuses) { // CF-ASY-16
    future<bool> refused;
    gate started;
    {
        asio::io_context io;
        auto& pool = default_executor(io);
        refused = pool.submit([&] {
            started.open();
            return submit_until_refused(pool);
        });
        started.pass();
    }
    BOOST_TEST(refused.result());
}

BOOST_AUTO_TEST_CASE(what_another_thread_posts_keeps_its_order) { // CF-ASY-38
    thread_pool pool(2);
    asio::io_context io;
    const auto in_order = [](const auto& executor, auto run_all) {
        std::vector<int> order;
        std::thread([&] {
            for (int i = 0; i < 1000; ++i)
                asio::post(executor, [&order, i] { order.push_back(i); });
        }).join();
        run_all();
        return order.size() == 1000 && std::ranges::is_sorted(order);
    };
    BOOST_TEST(in_order(io.get_executor(), [&] { io.run(); }));
    const auto strand = asio::make_strand(pool);
    BOOST_TEST(in_order(strand, [&] { submit(strand, [] {}).result(); }));
}

BOOST_AUTO_TEST_CASE(calls_may_start_coroutines_and_coroutines_calls) { // CF-ASY-39
    run([]() -> awaitable<void> {
        const auto here = co_await asio::this_coro::executor;
        const auto both_ways = [here] { return run_coroutine_threadsafe(here, five()).result(); };
        BOOST_TEST(co_await to_thread(both_ways) == 5);
        const auto call_in_call = [here] {
            return default_executor(asio::query(here, asio::execution::context))
                .submit([] { return 6; })
                .result();
        };
        BOOST_TEST(co_await to_thread(call_in_call) == 6);
    }());
}

BOOST_AUTO_TEST_CASE(children_of_other_contexts_give_their_results_here) { // CF-GAT-05
    asio::thread_pool other(1);
    thread_pool pool(1);
    run([&]() -> awaitable<void> {
        const auto here = std::this_thread::get_id();
        auto [a, b, c] =
            co_await gather(asio::co_spawn(other, thread_of_a_coroutine(), asio::use_awaitable),
                            run_in_executor(pool, [] { return std::this_thread::get_id(); }),
                            thread_of_a_coroutine());
        BOOST_TEST((a != here && b != here && a != b));
        BOOST_TEST((c == here && std::this_thread::get_id() == here));
    }());
    other.join();
}

BOOST_AUTO_TEST_CASE(one_future_can_be_gathered_twice) { // CF-GAT-09 CF-IOP-01
    thread_pool pool(1);
    std::atomic<int> runs{0};
    promise<int> p;
    p.set_value(4);
    run([&]() -> awaitable<void> {
        auto f = pool.submit([&] { return ++runs; });
        auto [a, b, c] =
            co_await gather(f.async_result(), f.async_result(), p.get_future().async_result());
        BOOST_TEST(a == 1);
        BOOST_TEST(b == 1);
        BOOST_TEST(c == 4);
    }());
    BOOST_TEST(runs == 1);
}

BOOST_AUTO_TEST_CASE(an_invalid_handle_leaves_no_other_in_limbo) { // CF-GAT-10
    promise<int> p, q;
    const auto f = p.get_future(), g = q.get_future();
    BOOST_CHECK_THROW(ferry::wait(std::vector{f, future<int>()}), no_state_error);
    BOOST_CHECK_THROW(run(async_wait(std::vector{f, future<int>()})), no_state_error);
    p.set_value(1);
    BOOST_TEST(run(f.async_result()) == 1);
    // A child that fails cancels the others, whatever the failure is.
    BOOST_CHECK_THROW(run(gather(g.async_result(), future<int>().async_result())), no_state_error);
    BOOST_TEST(g.cancelled());
}
