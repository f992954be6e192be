// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include <ferry/run.hpp>

#include <ferry/shield.hpp>
#include <ferry/to_thread.hpp>

#include "helpers/gate.hpp"

#define BOOST_TEST_MODULE run
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/test/unit_test.hpp>

#include <stop_token>
#include <thread>

#include <boost/asio/detached.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>

using namespace ferry;
using namespace std::chrono_literals;
namespace asio = boost::asio;
using asio::awaitable;

BOOST_AUTO_TEST_CASE(it_gives_the_value_or_throws_the_exception) { // CF-ASY-29
    BOOST_TEST(run([]() -> awaitable<int> { co_return 3; }()) == 3);
    BOOST_TEST(*run([]() -> awaitable<std::unique_ptr<int>> {
        co_return std::make_unique<int>(4);
    }()) == 4);
    BOOST_CHECK_THROW(run([]() -> awaitable<void> {
                          throw std::out_of_range("x");
                          co_return;
                      }()),
                      std::out_of_range);
    run([]() -> awaitable<void> {
        BOOST_CHECK_THROW(run([]() -> awaitable<void> { co_return; }()), std::logic_error);
        co_return;
    }());
}

BOOST_AUTO_TEST_CASE(what_ferry_started_is_cancelled_and_awaited_and_the_rest_destroyed) {
    bool cleaned = false, destroyed = false;
    int reported = 0;
    auto previous = set_unhandled_callback([&](std::exception_ptr) { ++reported; });
    run([&]() -> awaitable<void> {
        const auto ex = co_await asio::this_coro::executor;
        run_coroutine_threadsafe(ex, [](bool& c) -> awaitable<void> {
            asio::steady_timer timer(co_await asio::this_coro::executor, 1h);
            try {
                co_await timer.async_wait(asio::use_awaitable);
            } catch (const boost::system::system_error&) {
                c = true;
                throw std::runtime_error("clean-up failed");
            }
        }(cleaned));
        asio::co_spawn(
            ex,
            [](bool& d) -> awaitable<void> {
                struct mark {
                    bool& m;
                    ~mark() { m = true; }
                } const at_end{d};
                asio::steady_timer timer(co_await asio::this_coro::executor, 1h);
                co_await timer.async_wait(asio::use_awaitable);
            }(destroyed),
            asio::detached);
        co_await to_thread([] {});
    }());
    set_unhandled_callback(previous);
    BOOST_TEST(cleaned);
    BOOST_TEST(destroyed);
    BOOST_TEST(reported == 1);
}

BOOST_AUTO_TEST_CASE(use_future_gives_the_future_of_any_operation) { // CF-ASY-34
    asio::io_context io;
    asio::steady_timer timer(io, 1ms);
    future<void> waited = timer.async_wait(use_future);
    future<int> spawned = asio::co_spawn(io, []() -> awaitable<int> { co_return 5; }, use_future);
    auto posted_function = asio::post(io, use_future);
    auto both = asio::async_initiate<const use_future_t&,
                                     void(boost::system::error_code, int, std::string)>(
        [](auto h) { std::move(h)(boost::system::error_code(), 1, "x"); }, use_future);
    static_assert(std::is_same_v<decltype(both), future<std::tuple<int, std::string>>>);
    io.run();
    waited.result();
    posted_function.result();
    BOOST_TEST(spawned.result() == 5);
    BOOST_TEST(std::get<1>(both.result()) == "x");
    auto failed = asio::co_spawn(
        io,
        []() -> awaitable<int> {
            throw std::out_of_range("x");
            co_return 1;
        },
        use_future);
    io.restart();
    io.run();
    BOOST_CHECK_THROW(failed.result(), std::out_of_range);
}

BOOST_AUTO_TEST_CASE(cancelling_such_a_future_cancels_the_operation) {
    asio::io_context io;
    auto strand = asio::make_strand(io);
    asio::steady_timer timer(strand, 1h);
    auto f = timer.async_wait(asio::bind_executor(strand, use_future));
    auto g = run_coroutine_threadsafe(strand, []() -> awaitable<int> {
        asio::steady_timer t(co_await asio::this_coro::executor, 1h);
        co_await t.async_wait(asio::use_awaitable);
        co_return 1;
    }());
    std::atomic<int> cancelled{0};
    std::thread other([&] {
        cancelled += f.cancel() ? 1 : 0;
        cancelled += f.cancelled() ? 1 : 0;
        cancelled += g.cancel() ? 1 : 0;
    });
    io.run();
    other.join();
    BOOST_TEST(cancelled == 3);
    BOOST_TEST(g.cancelled());
}

BOOST_AUTO_TEST_CASE(run_coroutine_threadsafe_gives_value_and_exception) { // CF-ASY-21 -22 -24
    asio::io_context io;
    auto guard = asio::make_work_guard(io);
    std::jthread loop([&] { io.run(); });
    auto a = run_coroutine_threadsafe(io.get_executor(),
                                      []() -> awaitable<std::string> { co_return "x"; }());
    auto b = run_coroutine_threadsafe(io.get_executor(), []() -> awaitable<void> {
        throw std::out_of_range("x");
        co_return;
    }());
    auto c = run_coroutine_threadsafe(io.get_executor(), []() -> awaitable<void> {
        throw boost::system::system_error(asio::error::operation_aborted);
        co_return;
    }());
    BOOST_TEST(a.result() == "x");
    BOOST_CHECK_THROW(b.result(), std::out_of_range);
    BOOST_CHECK_THROW(c.result(), cancelled_error);
    BOOST_TEST(c.cancelled());
    guard.reset();
}

BOOST_AUTO_TEST_CASE(a_destroyed_context_breaks_the_promise) { // CF-ASY-27
    future<void> waited;
    future<int> spawned;
    {
        asio::io_context io;
        asio::steady_timer timer(io, 1h);
        waited = timer.async_wait(use_future);
        spawned =
            run_coroutine_threadsafe(io.get_executor(), []() -> awaitable<int> { co_return 1; }());
        BOOST_CHECK_THROW(spawned.result(0s), timeout_error);
        timer.async_wait([](auto) {});
    }
    BOOST_CHECK_THROW(spawned.result(0s), broken_promise);
    BOOST_TEST(waited.done());
    BOOST_TEST(!waited.cancel() == !waited.cancelled());
}

BOOST_AUTO_TEST_CASE(a_helped_task_may_run_a_coroutine_of_its_own) {
    thread_pool pool(1);
    const auto answer = []() -> awaitable<int> { co_return co_await to_thread([] { return 42; }); };
    // The worker is inside of `run` when it helps with what it waits for.
    const auto waits = [&]() -> awaitable<int> {
        co_return pool.submit([&] { return run(answer()); }).result();
    };
    BOOST_TEST(pool.submit([&] { return run(waits()); }).result() == 42);
    BOOST_TEST(run(waits()) == 42);
    const auto again = [&]() -> awaitable<int> { // the helper is inside of it again afterwards
        static_cast<void>(pool.submit([] {}).result());
        BOOST_CHECK_THROW(run(answer()), std::logic_error);
        co_return 1;
    };
    BOOST_TEST(pool.submit([&] { return run(again()); }).result() == 1);
}

BOOST_AUTO_TEST_CASE(another_thread_may_let_go_of_its_executor_later) {
    gate ended;
    std::thread other;
    const auto main = [&]() -> asio::awaitable<int> {
        const asio::any_io_executor here = asio::prefer(co_await asio::this_coro::executor,
                                                        asio::execution::outstanding_work.tracked);
        other = std::thread([here = asio::any_io_executor(here), &ended]() mutable {
            ended.pass();
            here = {};
        });
        co_return 1;
    };
    BOOST_TEST(run(main()) == 1);
    for (int i = 0; i < 20; ++i) { // others do not take its memory
        const auto nothing = []() -> asio::awaitable<void> { co_return; };
        run(nothing());
    }
    ended.open();
    other.join();
}
