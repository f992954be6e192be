// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include <ferry/ferry.hpp>

#include "helpers/run_on.hpp"

#define BOOST_TEST_MODULE bridge
#include <boost/test/unit_test.hpp>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/use_future.hpp>

#include <future>
#include <latch>
#include <memory>
#include <thread>

namespace asio = boost::asio;
using namespace ferry;

namespace {

struct needs_argument {
    explicit needs_argument(int v) : value(v) {}
    needs_argument(needs_argument&&) = default;
    int value;
};

template <class F>
void run(F body) {
    asio::io_context io;
    run_on(io, std::move(body));
}

} // namespace

BOOST_AUTO_TEST_CASE(a_call_runs_elsewhere_and_its_result_comes_back) { // CF-ASY-01 -18
    run([]() -> asio::awaitable<void> {
        const auto here = std::this_thread::get_id();
        const auto there = co_await to_thread([] { return std::this_thread::get_id(); });
        BOOST_TEST((there != here));
        BOOST_TEST((std::this_thread::get_id() == here));
        BOOST_TEST(co_await to_thread([](int a, int b) { return a + b; }, 1, 2) == 3);
        BOOST_TEST((co_await to_thread([] { return needs_argument(7); })).value == 7);
        const auto moved = co_await to_thread([] { return std::make_unique<int>(9); });
        BOOST_TEST(*moved == 9);
        bool caught = false;
        try {
            co_await to_thread([] { throw std::out_of_range("x"); });
        } catch (const std::out_of_range&) {
            caught = true;
        }
        BOOST_TEST(caught);
        BOOST_TEST((std::this_thread::get_id() == here));
    });
}

BOOST_AUTO_TEST_CASE(it_resumes_on_the_strand_of_the_coroutine) { // CF-ASY-08
    asio::io_context io;
    thread_pool pool(2);
    auto strand = asio::make_strand(io);
    int on_strand = 0;
    for (int i = 0; i < 10; ++i)
        asio::co_spawn(
            strand,
            [&]() -> asio::awaitable<void> {
                co_await run_in_executor(pool, [] {});
                on_strand += strand.running_in_this_thread() ? 1 : 0;
            },
            asio::detached);
    std::thread other([&] { io.run(); });
    io.run();
    other.join();
    BOOST_TEST(on_strand == 10);
}

BOOST_AUTO_TEST_CASE(a_cancelled_wait_for_a_running_call_ends_at_once) { // CF-ASY-04
    asio::io_context io;
    thread_pool pool(1);
    std::latch started(1), go(1);
    asio::cancellation_signal signal;
    bool aborted = false, finished = false;
    asio::co_spawn(
        io,
        [&]() -> asio::awaitable<void> {
            co_await run_in_executor(pool, [&] {
                started.count_down();
                go.wait();
                finished = true;
            });
        },
        asio::bind_cancellation_slot(signal.slot(), [&](std::exception_ptr e) {
            try {
                std::rethrow_exception(e);
            } catch (const cancelled_error&) {
                aborted = true;
            }
        }));
    asio::post(io, [&] {
        started.wait();
        signal.emit(asio::cancellation_type::terminal);
    });
    io.run();
    BOOST_TEST(aborted);
    go.count_down();
    pool.shutdown();
    BOOST_TEST(finished);
}

BOOST_AUTO_TEST_CASE(a_cancelled_wait_for_a_queued_call_means_it_never_runs) { // CF-ASY-05
    asio::io_context io;
    thread_pool pool(1);
    std::latch go(1);
    auto blocker = pool.submit([&] { go.wait(); });
    asio::cancellation_signal signal;
    bool ran = false, aborted = false;
    asio::co_spawn(
        io, [&]() -> asio::awaitable<void> { co_await run_in_executor(pool, [&] { ran = true; }); },
        asio::bind_cancellation_slot(signal.slot(),
                                     [&](std::exception_ptr e) { aborted = e != nullptr; }));
    asio::post(io, [&] { signal.emit(asio::cancellation_type::terminal); });
    io.run();
    go.count_down();
    pool.shutdown();
    BOOST_TEST(aborted);
    BOOST_TEST(!ran);
}

BOOST_AUTO_TEST_CASE(a_late_result_into_a_destroyed_context_does_nothing) { // CF-ASY-27
    for (int round = 0; round < 200; ++round) {
        thread_pool pool(2);
        auto held = std::make_shared<int>(0);
        {
            asio::io_context io;
            for (int i = 0; i < 4; ++i)
                asio::co_spawn(
                    io,
                    [&pool, held]() -> asio::awaitable<void> {
                        for (;;)
                            co_await run_in_executor(pool, [] {});
                    },
                    asio::detached);
            for (int i = 0; i < round % 20; ++i)
                io.run_one();
        }
        BOOST_REQUIRE(held.use_count() == 1);
    }
}

BOOST_AUTO_TEST_CASE(a_pool_that_was_shut_down_says_so) { // CF-ASY-40
    thread_pool pool(1);
    pool.shutdown();
    BOOST_CHECK_THROW(
        run([&]() -> asio::awaitable<void> { co_await run_in_executor(pool, [] {}); }),
        shutdown_error);
}

BOOST_AUTO_TEST_CASE(the_default_executor_can_be_chosen) {
    thread_pool pool(1);
    asio::io_context io;
    set_default_executor(io, pool);
    BOOST_TEST(&default_executor(io) == &pool);
}

BOOST_AUTO_TEST_CASE(the_default_executor_can_be_shut_down) { // CF-ASY-13 CF-ASY-15
    std::promise<void> go;
    bool late = true, refused = false, idle = false;
    {
        asio::io_context io;
        run_on(io, [&]() -> asio::awaitable<void> {
            co_await to_thread([] {});
            idle = co_await shutdown_default_executor(std::chrono::hours(1));
            try {
                co_await to_thread([] {});
            } catch (const shutdown_error&) {
                refused = true;
            }
        });
    }
    {
        asio::io_context io;
        default_executor(io).submit([f = go.get_future()]() mutable { f.wait(); });
        run_on(io, [&]() -> asio::awaitable<void> {
            late = co_await shutdown_default_executor(std::chrono::milliseconds(5));
        });
    }
    go.set_value();
    BOOST_TEST(idle);
    BOOST_TEST(refused);
    BOOST_TEST(!late);
}

BOOST_AUTO_TEST_CASE(every_completion_token_works) { // CF-ASY-34
    thread_pool pool(2);
    asio::io_context io;
    int got = 0;
    std::thread::id where;
    async_invoke(
        pool, [] { return 5; },
        asio::bind_executor(io.get_executor(), [&](std::exception_ptr e, int n) {
            got = e ? -1 : n;
            where = std::this_thread::get_id();
        }));
    BOOST_TEST(got == 0);
    io.run();
    BOOST_TEST(got == 5);
    BOOST_TEST((where == std::this_thread::get_id()));

    auto f = async_invoke(pool, [] { return 6; }, asio::use_future);
    BOOST_TEST(f.get() == 6);
    BOOST_CHECK_THROW(async_invoke(
                          pool, [] { throw std::out_of_range("x"); }, asio::use_future)
                          .get(),
                      std::out_of_range);
    auto lazy = async_invoke(pool, [] { return 7; }, asio::deferred);
    BOOST_TEST(std::move(lazy)(asio::use_future).get() == 7);
    io.restart();
    run_on(io, [&]() -> asio::awaitable<void> {
        co_await async_invoke(pool, [] {}, asio::use_awaitable);
        auto [e, n] = co_await async_invoke(
            pool, []() -> int { throw 1; }, asio::as_tuple(asio::use_awaitable));
        got = e ? 8 : n;
    });
    BOOST_TEST(got == 8);
    async_invoke(pool, [] {}, asio::detached);
}

BOOST_AUTO_TEST_CASE(a_handler_without_an_executor_runs_in_the_pool_also_at_shutdown) {
    for (int round = 0; round < 200; ++round) {
        bool inside = false;
        {
            thread_pool pool(1);
            async_invoke(
                pool, [] {},
                [&](std::exception_ptr) { inside = pool.get_executor().running_in_this_thread(); });
        }
        BOOST_REQUIRE(inside);
    }
    thread_pool closed(1);
    closed.shutdown();
    std::promise<std::exception_ptr> said;
    async_invoke(closed, [] {}, [&](std::exception_ptr e) { said.set_value(e); });
    BOOST_CHECK_THROW(std::rethrow_exception(said.get_future().get()), shutdown_error);
}

BOOST_AUTO_TEST_CASE(any_executor_can_be_awaited) {
    thread_pool pool(2);
    asio::thread_pool other(1);
    auto strand = asio::make_strand(pool);
    asio::io_context io;
    int sum = 0;
    run_on(io, [&]() -> asio::awaitable<void> {
        sum += co_await run_in_executor(strand, [] { return 1; });
        sum += co_await run_in_executor(other, [] { return 2; });
        sum += co_await run_in_executor(pool.get_executor(), [](int n) { return n; }, 4);
        int store = 8;
        int& r = (co_await run_in_executor(pool, [&]() -> int& { return store; })).get();
        sum += r;
        auto p = co_await run_in_executor(pool, [] { return std::make_unique<int>(16); });
        sum += *p;
        auto f = pool.submit([] { return 32; });
        sum += co_await f.async_result();
        sum += f.result();
    });
    BOOST_TEST(sum == 31 + 64);
}

BOOST_AUTO_TEST_CASE(waiting_for_a_future_can_be_left) { // CF-ASY-10
    asio::io_context io;
    promise<int> p;
    auto f = p.get_future();
    asio::cancellation_signal signal;
    boost::system::error_code first;
    f.async_wait(asio::bind_cancellation_slot(
        signal.slot(),
        asio::bind_executor(io.get_executor(), [&](boost::system::error_code ec) { first = ec; })));
    signal.emit(asio::cancellation_type::total);
    io.run();
    BOOST_TEST((first == asio::error::operation_aborted));
    BOOST_TEST(!f.done());
    bool cancelled = false;
    io.restart();
    f.async_result(asio::bind_executor(io.get_executor(), [&](std::exception_ptr e, int) {
        try {
            std::rethrow_exception(e);
        } catch (const cancelled_error&) {
            cancelled = true;
        }
    }));
    f.cancel();
    io.run();
    BOOST_TEST(cancelled);
}

BOOST_AUTO_TEST_CASE(what_a_call_captures_is_destroyed_exactly_once) {
    thread_pool pool(1);
    auto held = std::make_shared<int>(7);
    asio::io_context io;
    int sum = 0;
    // g++ 12 destroys a closure twice that is created within a co_await expression: these have
    // names.
    const auto first = [held] { return *held; };
    const auto second = [held](const std::string& s) { return *held + static_cast<int>(s.size()); };
    const auto body = [held](task_group&) -> asio::awaitable<int> { co_return *held; };
    run_on(io, [&]() -> asio::awaitable<void> {
        sum += co_await to_thread(first);
        sum += co_await run_in_executor(pool, second, std::string("x"));
        sum += co_await with_task_group(body);
    });
    BOOST_TEST(sum == 22);
    BOOST_TEST(held.use_count() == 4);
}

BOOST_AUTO_TEST_CASE(a_wait_that_is_cancelled_twice_leaves_other_waiters_alone) {
    asio::io_context io;
    asio::cancellation_signal signal;
    promise<int> p;
    future<int> f = p.get_future();
    int calls = 0, callbacks = 0;
    f.async_wait(asio::bind_cancellation_slot(
        signal.slot(), asio::bind_executor(io, [&](boost::system::error_code) { ++calls; })));
    signal.emit(asio::cancellation_type::total);
    f.add_done_callback([&](future<int>) { ++callbacks; });
    signal.emit(asio::cancellation_type::terminal);
    io.run();
    p.set_value(1);
    BOOST_TEST(calls == 1);
    BOOST_TEST(callbacks == 1);
}
