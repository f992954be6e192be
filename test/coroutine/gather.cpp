// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include <ferry/gather.hpp>

#include <ferry/run.hpp>
#include <ferry/to_thread.hpp>

#include "helpers/gate.hpp"
#include "helpers/run_on.hpp"

#define BOOST_TEST_MODULE gather
#include <boost/asio/use_awaitable.hpp>
#include <boost/test/unit_test.hpp>

#include <boost/asio/detached.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>

#include <barrier>
#include <set>
#include <thread>

using namespace ferry;
using namespace std::chrono_literals;
namespace asio = boost::asio;
using asio::awaitable;

namespace {

awaitable<int> value(int n) { co_return n; }
awaitable<void> nothing() { co_return; }
awaitable<std::unique_ptr<int>> box(int n) { co_return std::make_unique<int>(n); }
awaitable<int> failing() {
    throw std::out_of_range("failing");
    co_return 0;
}
awaitable<int> endless(bool& cancelled) {
    asio::steady_timer timer(co_await asio::this_coro::executor, 1h);
    try {
        co_await timer.async_wait(asio::use_awaitable);
    } catch (const boost::system::system_error&) {
        cancelled = true;
        throw;
    }
    co_return 0;
}

} // namespace

BOOST_AUTO_TEST_CASE(values_come_in_the_order_of_the_arguments) { // CF-GAT-01
    run([]() -> awaitable<void> {
        gate second_first;
        auto [a, b, c, d] = co_await gather(to_thread([&] {
                                                second_first.pass();
                                                return std::string("late");
                                            }),
                                            to_thread([&] {
                                                second_first.open();
                                                return 2;
                                            }),
                                            nothing(), box(4));
        BOOST_TEST(a == "late");
        BOOST_TEST(b == 2);
        static_assert(std::is_same_v<decltype(c), std::monostate>);
        BOOST_TEST(*d == 4);
    }());
}

BOOST_AUTO_TEST_CASE(ten_offloaded_calls_run_at_once) { // CF-ASY-19
    thread_pool pool(10);
    asio::io_context io;
    set_default_executor(io, pool);
    run_on(io, []() -> awaitable<void> {
        std::barrier all_are_running(10); // nobody returns before the last one has come
        std::vector<awaitable<int>> calls;
        for (int i = 0; i < 10; ++i)
            calls.push_back(to_thread([i, &all_are_running] {
                all_are_running.arrive_and_wait();
                return i;
            }));
        const auto values = co_await gather(std::move(calls));
        for (int i = 0; i < 10; ++i)
            BOOST_TEST(values[static_cast<std::size_t>(i)] == i);
    }());
}

BOOST_AUTO_TEST_CASE(nothing_gathers_to_nothing) { // CF-GAT-04
    run([]() -> awaitable<void> {
        BOOST_TEST((co_await gather(std::vector<awaitable<int>>())).empty());
        const std::tuple<> none = co_await gather();
        static_cast<void>(none);
    }());
}

BOOST_AUTO_TEST_CASE(the_first_exception_comes_when_the_others_have_ended) { // CF-GAT-02
    run([]() -> awaitable<void> {
        bool cancelled = false;
        bool thrown = false;
        try {
            co_await gather(endless(cancelled), failing(), value(1));
        } catch (const std::out_of_range&) {
            thrown = true;
        }
        BOOST_TEST(thrown);
        BOOST_TEST(cancelled);
    }());
}

BOOST_AUTO_TEST_CASE(exceptions_can_be_results) { // CF-GAT-03
    run([]() -> awaitable<void> {
        auto [a, b, c] = co_await gather(return_exceptions, value(1), failing(), nothing());
        BOOST_TEST(a.value() == 1);
        BOOST_CHECK_THROW(std::rethrow_exception(b.error()), std::out_of_range);
        BOOST_TEST(c.has_value());
        std::vector<awaitable<int>> some;
        some.push_back(failing());
        some.push_back(value(2));
        const auto all = co_await gather(return_exceptions, std::move(some));
        BOOST_TEST(all[0].has_error());
        BOOST_TEST(all[1].value() == 2);
    }());
}

BOOST_AUTO_TEST_CASE(a_cancellation_reaches_all_children) { // CF-GAT-07
    asio::io_context io;
    bool one = false, two = false, aborted = false;
    asio::cancellation_signal signal;
    asio::co_spawn(
        io, [&]() -> awaitable<void> { co_await gather(endless(one), endless(two)); },
        asio::bind_cancellation_slot(
            signal.slot(), [&](std::exception_ptr e) { aborted = detail::is_cancellation(e); }));
    asio::post(io,
               [&] { asio::post(io, [&] { signal.emit(asio::cancellation_type::terminal); }); });
    io.run();
    BOOST_TEST(one);
    BOOST_TEST(two);
    BOOST_TEST(aborted);
}

BOOST_AUTO_TEST_CASE(a_context_destroyed_midway_leaves_nothing) {
    auto held = std::make_shared<int>(0);
    for (int steps = 0; steps < 12; ++steps) {
        {
            asio::io_context io;
            asio::co_spawn(
                io,
                [held]() -> awaitable<void> {
                    auto work = [held]() -> awaitable<int> {
                        const auto call = [held] { return *held; };
                        co_return co_await to_thread(call);
                    };
                    for (;;)
                        co_await gather(work(), work());
                },
                asio::detached);
            for (int i = 0; i < steps; ++i)
                io.run_one();
        }
        BOOST_REQUIRE(held.use_count() == 1);
    }
}

BOOST_AUTO_TEST_CASE(several_threads_may_run_the_context) {
    asio::io_context io;
    int rounds = 0;
    asio::co_spawn(
        io,
        [&]() -> awaitable<void> {
            for (; rounds < 300; ++rounds) {
                try {
                    co_await gather(to_thread([] {}), failing(), to_thread([] {}));
                } catch (const std::out_of_range&) {
                    continue;
                }
                co_return;
            }
        },
        asio::detached);
    std::jthread other([&] { io.run(); });
    io.run();
    other.join();
    BOOST_TEST(rounds == 300);
}
