// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include <ferry/wait_for.hpp>

#include <ferry/run.hpp>
#include <ferry/shield.hpp>
#include <ferry/to_thread.hpp>

#include "helpers/gate.hpp"

#define BOOST_TEST_MODULE wait_for
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/test/unit_test.hpp>

#include <stop_token>
#include <thread>

using namespace ferry;
using namespace std::chrono_literals;
using namespace std::string_literals;
namespace asio = boost::asio;
using asio::awaitable;

namespace {

awaitable<int> value(int n) { co_return n; }
awaitable<void> endless() {
    asio::steady_timer timer(co_await asio::this_coro::executor, 1h);
    co_await timer.async_wait(asio::use_awaitable);
}

} // namespace

BOOST_AUTO_TEST_CASE(a_value_in_time_is_given) { // CF-TMO-07 -15
    BOOST_TEST(run(wait_for(value(3), 1h)) == 3);
    BOOST_TEST(run(wait_for(value(4), timeout())) == 4);
}

BOOST_AUTO_TEST_CASE(a_timeout_cancels_and_throws) { // CF-TMO-07 -15
    BOOST_CHECK_EXCEPTION(run(wait_for(endless(), 1ms)), timeout_error, [](const timeout_error& e) {
        return e.what() == "wait_for: not done within 1ms [ferry:1]"s;
    });
}

BOOST_AUTO_TEST_CASE(without_time_the_coroutine_is_not_started) { // CF-TMO-08 -16
    bool started = false;
    auto mark = [&]() -> awaitable<void> {
        started = true;
        co_return;
    };
    BOOST_CHECK_THROW(run(wait_for(mark(), 0s)), timeout_error);
    BOOST_CHECK_THROW(run(wait_for(mark(), -1s)), timeout_error);
    BOOST_TEST(!started);
}

BOOST_AUTO_TEST_CASE(a_foreign_exception_passes_and_a_late_value_counts) { // CF-TMO-17
    auto throwing = []() -> awaitable<void> {
        throw std::out_of_range("x");
        co_return;
    };
    BOOST_CHECK_THROW(run(wait_for(throwing(), 1h)), std::out_of_range);
    auto stubborn = []() -> awaitable<int> {
        try {
            co_await endless();
        } catch (const boost::system::system_error&) {
        }
        co_return 5;
    };
    BOOST_TEST(run(wait_for(stubborn(), 1ms)) == 5);
}

BOOST_AUTO_TEST_CASE(cancelling_it_cancels_the_inner_and_is_no_timeout) { // CF-TMO-11 -17 CF-CAN-18
    asio::io_context io;
    asio::cancellation_signal signal;
    std::exception_ptr error;
    bool inner_cancelled = false;
    const auto inner = [&]() -> awaitable<void> {
        try {
            co_await endless();
        } catch (const boost::system::system_error&) {
            inner_cancelled = true;
            throw;
        }
    };
    asio::co_spawn(
        io, wait_for(inner(), 1h),
        asio::bind_cancellation_slot(signal.slot(), [&](std::exception_ptr e) { error = e; }));
    asio::post(io,
               [&] { asio::post(io, [&] { signal.emit(asio::cancellation_type::terminal); }); });
    io.run();
    BOOST_CHECK_THROW(std::rethrow_exception(error), cancelled_error);
    BOOST_TEST(inner_cancelled);
}

BOOST_AUTO_TEST_CASE(a_timeout_works_after_a_cancellation_was_caught) { // CF-TMO-20
    asio::io_context io;
    asio::cancellation_signal signal;
    bool caught = false, late = false;
    const auto body = [&]() -> awaitable<void> {
        try {
            co_await endless();
        } catch (const boost::system::system_error&) {
            caught = true;
        }
        co_await asio::this_coro::reset_cancellation_state();
        BOOST_TEST(co_await wait_for(value(3), 1h) == 3);
        try {
            co_await wait_for(endless(), 1ms);
        } catch (const timeout_error&) {
            late = true;
        }
    };
    asio::co_spawn(io, body(),
                   asio::bind_cancellation_slot(signal.slot(), [](std::exception_ptr) {}));
    io.poll();
    signal.emit(asio::cancellation_type::terminal);
    io.run();
    BOOST_TEST(caught);
    BOOST_TEST(late);
}

BOOST_AUTO_TEST_CASE(a_running_thread_call_is_not_waited_for_and_a_queued_one_never_runs) {
    gate go;
    thread_pool pool(1);
    bool started = false, ran = false;
    run([&]() -> awaitable<void> {
        const auto call = [&] {
            started = true;
            go.pass();
        };
        // Where the limit was over before the call had started, it has not run: again with more.
        for (auto limit = 5ms; pool.stats().running == 0; limit *= 2) {
            bool late = false;
            try {
                co_await wait_for(run_in_executor(pool, call), limit);
            } catch (const timeout_error&) {
                late = true;
            }
            BOOST_TEST(late);
        }
        bool late = false;
        try {
            co_await wait_for(run_in_executor(pool, [&] { ran = true; }), 5ms);
        } catch (const timeout_error&) {
            late = true;
        }
        BOOST_TEST(late);
    }());
    go.open();
    pool.shutdown();
    BOOST_TEST(started);
    BOOST_TEST(!ran);
}

BOOST_AUTO_TEST_CASE(a_call_that_takes_a_stop_token_is_asked_and_waited_for) {
    thread_pool pool(1);
    bool started = false;
    int value = 0;
    for (auto limit = 5ms; !started; limit *= 2) { // else it was taken out of the queue
        const auto call = [&](std::stop_token t) {
            started = true;
            gate asked;
            std::stop_callback on_stop(t, [&] { asked.open(); });
            asked.pass();
            return 7;
        };
        try {
            value = run(wait_for(run_in_executor(pool, call), limit));
        } catch (const timeout_error&) {
            BOOST_TEST(!started);
        }
    }
    BOOST_TEST(value == 7);
}

BOOST_AUTO_TEST_CASE(a_shielded_coroutine_goes_on) { // CF-GAT-12 CF-TMO-13
    run([]() -> awaitable<void> {
        bool finished = false;
        asio::steady_timer gate(co_await asio::this_coro::executor, 1h);
        asio::steady_timer ended(co_await asio::this_coro::executor, 1h);
        auto inner = [&]() -> awaitable<int> {
            boost::system::error_code ec;
            co_await gate.async_wait(asio::redirect_error(asio::use_awaitable, ec));
            finished = true;
            ended.cancel();
            co_return 1;
        };
        bool late = false;
        try {
            co_await wait_for(shield(inner()), 2ms);
        } catch (const timeout_error&) {
            late = true;
        }
        BOOST_TEST(late);
        BOOST_TEST(!finished);
        gate.cancel();
        boost::system::error_code ec;
        co_await ended.async_wait(asio::redirect_error(asio::use_awaitable, ec));
        BOOST_TEST(finished);
        BOOST_TEST(co_await shield(value(2)) == 2);
    }());
}

BOOST_AUTO_TEST_CASE(a_shield_passes_on_how_the_inner_ends) { // CF-GAT-12
    const auto failing = []() -> awaitable<int> {
        throw std::out_of_range("x");
        co_return 1;
    };
    const auto cancelled = []() -> awaitable<int> {
        throw boost::system::system_error(asio::error::operation_aborted);
        co_return 1;
    };
    BOOST_TEST(run(shield(value(1))) == 1);
    BOOST_CHECK_THROW(run(shield(failing())), std::out_of_range);
    BOOST_CHECK_EXCEPTION(run(shield(cancelled())), boost::system::system_error,
                          [](const auto& e) { return e.code() == condition::cancelled; });
}
