// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include <ferry/resilience/retry.hpp>

#include <ferry/ferry.hpp>

#include "helpers/gate.hpp"

#define BOOST_TEST_MODULE retry
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/strand.hpp>
#include <boost/test/unit_test.hpp>

#include <memory>
#include <thread>

using namespace ferry;
using namespace std::chrono_literals;
namespace asio = boost::asio;
using asio::awaitable;

namespace {

struct failure : std::runtime_error {
    failure() : std::runtime_error("failure") {}
};

/// At once.
retry_policy times(std::size_t attempts) { return {.max_attempts = attempts, .base_delay = 0s}; }

awaitable<int> failing_until(int last, int& attempts) {
    if (++attempts < last)
        throw failure();
    co_return attempts;
}

template <class F, class... Args>
concept retryable = requires(F f, Args... args) { retry(retry_policy(), f, std::move(args)...); };
template <class F>
concept async_retryable = requires(F f) { async_retry(retry_policy(), f); };

using coroutine = awaitable<void> (*)();
static_assert(retryable<void (*)(int), int>);
static_assert(!retryable<void (*)(int)>);
static_assert(!retryable<coroutine>, "a coroutine does not fail when it is made");
static_assert(!retryable<void (*)(std::unique_ptr<int>), std::unique_ptr<int>>,
              "the second attempt would have no argument");
static_assert(async_retryable<coroutine>);
static_assert(!async_retryable<void (*)()>);

/// A coroutine on an io_context that runs only when a test says so.
struct stepped {
    asio::io_context io;
    asio::cancellation_signal signal;
    std::exception_ptr error;
    bool ended = false;

    template <class T>
    void start(awaitable<T> a) {
        asio::co_spawn(
            io,
            [](awaitable<T> inner) -> awaitable<void> { co_await std::move(inner); }(std::move(a)),
            asio::bind_cancellation_slot(signal.slot(), [this](std::exception_ptr e) {
                error = e;
                ended = true;
            }));
    }
    /// Runs what can run now; what waits for a timer does not.
    void step() { io.poll(); }
    void cancel() {
        asio::post(io, [this] { signal.emit(asio::cancellation_type::terminal); });
        io.restart();
        io.run();
    }
    bool was_cancelled() const { return ended && error && detail::is_cancellation(error); }
};

} // namespace

BOOST_AUTO_TEST_CASE(the_first_success_is_the_result) {
    int calls = 0;
    BOOST_TEST(retry({}, [&] { return ++calls; }) == 1);
    calls = 0;
    BOOST_TEST(retry(times(5), [&] {
                   if (++calls < 3)
                       throw failure();
                   return calls;
               }) == 3);
}

BOOST_AUTO_TEST_CASE(the_last_exception_is_rethrown_untouched) {
    const auto thrown = std::make_exception_ptr(failure());
    int calls = 0;
    std::exception_ptr caught;
    try {
        retry(times(3), [&] {
            ++calls;
            std::rethrow_exception(thrown);
        });
    } catch (...) {
        caught = std::current_exception();
    }
    BOOST_TEST(calls == 3);
    BOOST_TEST((caught == thrown));
    calls = 0;
    BOOST_CHECK_THROW(retry(times(2), [&] { throw ++calls; }), int);
    BOOST_TEST(calls == 2);
}

BOOST_AUTO_TEST_CASE(arguments_are_the_same_at_each_attempt) {
    std::vector<std::string> seen;
    const auto note = [&](const std::string& text, int& n) -> int& {
        seen.push_back(text);
        if (++n < 3)
            throw failure();
        return n;
    };
    int n = 0;
    int& result = retry(times(3), note, std::string("a text that is not short"), n);
    BOOST_TEST(&result == &n);
    BOOST_TEST(seen == std::vector<std::string>(3, "a text that is not short"));
}

BOOST_AUTO_TEST_CASE(retry_on_decides_but_not_about_the_last_attempt) {
    int asked = 0;
    auto policy = times(3);
    policy.retry_on = [&](std::exception_ptr e) {
        ++asked;
        try {
            std::rethrow_exception(e);
        } catch (const failure&) {
            return true;
        } catch (...) {
            return false;
        }
    };
    int calls = 0;
    BOOST_CHECK_THROW(retry(policy, [&] { ++calls, throw failure(); }), failure);
    BOOST_TEST(calls == 3);
    BOOST_TEST(asked == 2);
    calls = 0;
    BOOST_CHECK_THROW(retry(policy, [&] { ++calls, throw std::out_of_range(""); }),
                      std::out_of_range);
    BOOST_TEST(calls == 1);
    policy.retry_on = [](std::exception_ptr) -> bool { throw std::domain_error(""); };
    BOOST_CHECK_THROW(retry(policy, [&] { throw failure(); }), std::domain_error);
}

BOOST_AUTO_TEST_CASE(a_cancellation_is_never_retried) {
    auto policy = times(3);
    policy.retry_on = [](std::exception_ptr) { return true; };
    int calls = 0;
    BOOST_CHECK_THROW(retry(policy, [&] { ++calls, throw cancelled_error(); }), cancelled_error);
    BOOST_TEST(calls == 1);
    const auto aborted = [&]() -> awaitable<void> {
        ++calls;
        throw boost::system::system_error(asio::error::operation_aborted);
        co_return;
    };
    BOOST_CHECK_THROW(run(async_retry(policy, aborted)), boost::system::system_error);
    BOOST_TEST(calls == 2);
}

BOOST_AUTO_TEST_CASE(a_policy_that_cannot_be_used_is_refused_before_the_first_attempt) {
    int calls = 0;
    BOOST_CHECK_THROW(retry({.max_attempts = 0}, [&] { ++calls; }), std::invalid_argument);
    const auto make = [&] { return failing_until(1, calls); };
    BOOST_CHECK_THROW(static_cast<void>(async_retry({.factor = 0}, make)), std::invalid_argument);
    BOOST_TEST(calls == 0);
}

BOOST_AUTO_TEST_CASE(a_stop_request_ends_the_delay_of_a_blocking_retry) {
    int calls = 0;
    gate called;
    std::stop_source stop;
    std::thread stopper([&] {
        called.pass();
        stop.request_stop();
    });
    BOOST_CHECK_THROW(retry(
                          {.base_delay = 100h, .max_delay = std::nullopt},
                          [&](std::stop_token) {
                              ++calls;
                              called.open();
                              throw failure();
                          },
                          stop.get_token()),
                      cancelled_error);
    stopper.join();
    BOOST_TEST(calls == 1);
}

BOOST_AUTO_TEST_CASE(awaiting_goes_on_until_a_value_comes) {
    int attempts = 0;
    BOOST_TEST(run(async_retry(times(5), [&] { return failing_until(3, attempts); })) == 3);
    attempts = 0;
    BOOST_CHECK_THROW(run(async_retry(times(2), [&] { return failing_until(3, attempts); })),
                      failure);
    BOOST_TEST(attempts == 2);
}

BOOST_AUTO_TEST_CASE(what_is_thrown_instead_of_an_awaitable_is_a_failed_attempt) {
    int made = 0;
    int attempts = 0;
    const auto make = [&] {
        if (++made < 3)
            throw failure();
        return failing_until(1, attempts);
    };
    BOOST_TEST(run(async_retry(times(3), make)) == 1);
    BOOST_TEST(made == 3);
}

BOOST_AUTO_TEST_CASE(the_last_exception_of_a_coroutine_is_rethrown_untouched) {
    const auto thrown = std::make_exception_ptr(failure());
    const auto attempt = [&]() -> awaitable<void> {
        std::rethrow_exception(thrown);
        co_return;
    };
    stepped s;
    s.start(async_retry(times(2), attempt));
    s.io.run();
    BOOST_TEST((s.error == thrown));
}

BOOST_AUTO_TEST_CASE(a_lambda_coroutine_keeps_its_captures_during_all_attempts) {
    int attempts = 0;
    auto kept = std::make_shared<std::string>("kept");
    auto attempt = [kept, &attempts]() -> awaitable<std::string> {
        asio::steady_timer timer(co_await asio::this_coro::executor, 0s);
        co_await timer.async_wait(asio::use_awaitable);
        if (++attempts < 3)
            throw failure();
        co_return *kept;
    };
    BOOST_TEST(run(async_retry(times(3), std::move(attempt))) == "kept");
    BOOST_TEST(kept.use_count() == 1);
}

BOOST_AUTO_TEST_CASE(attempts_run_on_the_executor_of_the_coroutine) {
    thread_pool pool(2);
    const auto strand = asio::make_strand(pool.get_executor());
    int attempts = 0;
    bool outside = false;
    const auto attempt = [&]() -> awaitable<int> {
        outside = outside || !strand.running_in_this_thread();
        return failing_until(3, attempts);
    };
    BOOST_TEST(run_coroutine_threadsafe(strand, async_retry(times(3), attempt)).result() == 3);
    BOOST_TEST(!outside);
}

BOOST_AUTO_TEST_CASE(cancelling_ends_the_delay_and_no_attempt_follows) {
    stepped s;
    int attempts = 0;
    const retry_policy slowly{.base_delay = 100h, .max_delay = std::nullopt};
    s.start(async_retry(slowly, [&] { return failing_until(3, attempts); }));
    s.step(); // returns: the delay holds no thread
    BOOST_TEST(attempts == 1);
    BOOST_TEST(!s.ended);
    s.cancel();
    BOOST_TEST(s.was_cancelled());
    BOOST_TEST(attempts == 1);
}

BOOST_AUTO_TEST_CASE(cancelling_an_attempt_ends_all) {
    stepped s;
    int attempts = 0;
    const auto attempt = [&]() -> awaitable<void> {
        ++attempts;
        asio::steady_timer timer(co_await asio::this_coro::executor, 100h);
        co_await timer.async_wait(asio::use_awaitable);
    };
    s.start(async_retry(times(5), attempt));
    s.step();
    s.cancel();
    BOOST_TEST(s.was_cancelled());
    BOOST_TEST(attempts == 1);
}

BOOST_AUTO_TEST_CASE(an_attempt_that_hides_its_cancellation_is_not_retried) {
    for (const bool throws : {true, false}) {
        stepped s;
        int attempts = 0;
        const auto attempt = [&]() -> awaitable<void> {
            ++attempts;
            asio::steady_timer timer(co_await asio::this_coro::executor, 100h);
            boost::system::error_code ec;
            co_await timer.async_wait(asio::redirect_error(asio::use_awaitable, ec));
            throw failure();
        };
        const auto whole = [&]() -> awaitable<void> {
            co_await asio::this_coro::throw_if_cancelled(throws);
            co_await async_retry(times(5), attempt);
        };
        s.start(whole());
        s.step();
        s.cancel();
        BOOST_CHECK_THROW(std::rethrow_exception(s.error), cancelled_error);
        BOOST_TEST(attempts == 1);
    }
}

BOOST_AUTO_TEST_CASE(a_value_that_came_in_spite_of_a_cancellation_counts) {
    stepped s;
    int value = 0;
    const auto attempt = [&]() -> awaitable<int> {
        asio::steady_timer timer(co_await asio::this_coro::executor, 100h);
        boost::system::error_code ec;
        co_await timer.async_wait(asio::redirect_error(asio::use_awaitable, ec));
        co_return 7;
    };
    const auto whole = [&]() -> awaitable<void> {
        value = co_await async_retry(times(5), attempt);
    };
    s.start(whole());
    s.step();
    s.cancel();
    BOOST_TEST(value == 7);
    BOOST_TEST((s.error == nullptr));
}

BOOST_AUTO_TEST_CASE(a_timeout_around_all_attempts_ends_a_delay) {
    int attempts = 0;
    const retry_policy slowly{.base_delay = 100h, .max_delay = std::nullopt};
    BOOST_CHECK_THROW(
        run(wait_for(async_retry(slowly, [&] { return failing_until(2, attempts); }), 1ms)),
        timeout_error);
    BOOST_TEST(attempts == 1);
}

namespace {

std::string download(const std::string& url) { return "text of " + url; }
std::string stoppable_download(std::stop_token, const std::string& url) { return download(url); }

} // namespace

BOOST_AUTO_TEST_CASE(the_examples_of_the_documentation_work) {
    const std::string url = "there";
    thread_pool pool(1);
    auto text = pool.submit([url](std::stop_token stop) {
        return ferry::retry({.max_attempts = 5, .jitter = 0.5}, stoppable_download, stop, url);
    });
    BOOST_TEST(text.result() == "text of there");
    const auto body = [&]() -> awaitable<void> {
        ferry::retry_policy gently{.max_attempts = 5, .max_delay = 10s, .jitter = 0.5};
        std::string text = co_await ferry::async_retry(
            gently, [&] { return ferry::run_in_executor(pool, download, url); });
        BOOST_TEST(text == "text of there");
    };
    run(body());
}
