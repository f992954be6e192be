// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <ferry/config.hpp>
#include <ferry/detail/caught_or_unwind.hpp>
#include <ferry/detail/is_awaitable.hpp>
#include <ferry/error.hpp>
#include <ferry/resilience/backoff.hpp>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/cancellation_state.hpp>
#include <boost/asio/redirect_error.hpp> // for those who rely on it
#include <boost/asio/this_coro.hpp>

#include <concepts>
#include <functional>
#include <stop_token>
#include <type_traits>
#include <utility>

namespace ferry {
namespace detail {

/// The decisions of one call of `retry` or `async_retry`.
class FERRY_DECL retrying {
public:
    explicit retrying(retry_policy policy);

    /// After a failed attempt: returns the delay before the next one, or nothing if the failure is
    /// the outcome.
    std::optional<backoff::duration> failed(const std::exception_ptr& error);

private:
    backoff backoff_;
    std::function<bool(std::exception_ptr)> retry_on_;
};

/// Blocks for `delay`. Throws cancelled_error as soon as a stop is requested.
FERRY_DECL void pause(backoff::duration delay, const std::stop_token& stop);
/// Suspends the coroutine for `delay`. Throws cancelled_error if it is cancelled meanwhile.
FERRY_DECL boost::asio::awaitable<void> async_pause(backoff::duration delay);
/// Throws cancelled_error if the coroutine between two attempts was cancelled.
FERRY_DECL void check_between_attempts(const boost::asio::cancellation_state& state);

inline std::stop_token leading_stop_token() noexcept { return {}; }
template <class First, class... Rest>
std::stop_token leading_stop_token(const First& first, const Rest&...) noexcept {
    if constexpr (std::is_same_v<First, std::stop_token>)
        return first;
    else
        return {};
}

template <class T, class F>
boost::asio::awaitable<T> retry_awaiting(retrying decision, F make_awaitable) {
    for (;;) {
        std::exception_ptr error;
        try {
            co_return co_await std::invoke(make_awaitable);
        } catch (...) {
            error = caught_or_unwind();
        }
        const auto delay = decision.failed(error);
        if (!delay)
            std::rethrow_exception(std::move(error));
        error = nullptr;
        // The attempt may have hidden that it was cancelled, and a timer does not look back.
        check_between_attempts(co_await boost::asio::this_coro::cancellation_state);
        co_await async_pause(*delay);
    }
}

} // namespace detail

/// Calls `fn(args...)` until it does not throw, as often and with such delays as the policy allows,
/// and returns its result.
///
/// For use inside a task: it blocks. Function and arguments are used again, so they are passed as
/// lvalues.
///
/// @par Cancellation
/// An exception whose code is `operation_aborted` is a cancellation and is never retried. If the
/// first argument is a `std::stop_token`, a stop request ends the delay with `cancelled_error`;
/// without one nothing ends it.
///
/// @par Blocking
/// During the attempts and the delays.
///
/// @par Errors
/// The exception of the last attempt, or of the first that is not to be retried, unchanged;
/// `std::invalid_argument` if the policy has a value out of range.
///
/// @par Thread safety
/// Safe.
///
/// @par Example
/// @code
/// auto text = pool.submit([url](std::stop_token stop) {
///     return ferry::retry({.max_attempts = 5, .jitter = 0.5}, stoppable_download, stop, url);
/// });
/// @endcode
///
/// @par See also
/// `async_retry` for coroutines; `circuit_breaker`.
template <class F, class... Args>
    requires std::invocable<F&, Args&...> &&
             (!detail::is_awaitable<std::remove_cvref_t<std::invoke_result_t<F&, Args&...>>>::value)
std::invoke_result_t<F&, Args&...> retry(retry_policy policy, F&& fn, Args&&... args) {
    detail::retrying decision(std::move(policy));
    for (;;) {
        std::optional<backoff::duration> delay;
        try {
            return std::invoke(fn, args...);
        } catch (...) {
            delay = decision.failed(std::current_exception());
            if (!delay)
                throw;
        }
        detail::pause(*delay, detail::leading_stop_token(args...));
    }
}

/// Awaits `make_awaitable()`; if it throws, waits and tries again with a fresh awaitable as the
/// policy allows. Returns the value of the first successful attempt.
///
/// An exception of `make_awaitable` itself counts as a failed attempt. It may be a lambda coroutine
/// with captures: it lives until the awaiting has ended. A timeout for each attempt belongs inside,
/// one for all of them around: `wait_for(async_retry(policy, [] { return wait_for(attempt(), 1s);
/// }), 1min)`.
///
/// With g++ 12 a policy whose `retry_on` owns something needs a name of its own: that compiler
/// destroys the members of an aggregate that is written within a `co_await` expression twice.
///
/// @par Executor
/// Attempts and delays run on the awaiting coroutine's executor; the delay is a timer there, and
/// holds no thread.
///
/// @par Cancellation
/// The types that the awaiting coroutine lets through: forwarded to the attempt; a delay ends with
/// `cancelled_error`. No other attempt follows: if the attempt ends with a failure that would be
/// retried, the outcome is `cancelled_error`; a value or any other exception of it stays the
/// outcome.
///
/// @par Blocking
/// Never.
///
/// @par Errors
/// As for `retry`; `std::invalid_argument` is thrown by the call itself, not by the awaitable.
///
/// @par Thread safety
/// Distinct calls: safe.
///
/// @par Example
/// @code
/// ferry::retry_policy gently{.max_attempts = 5, .max_delay = 10s, .jitter = 0.5};
/// std::string text = co_await ferry::async_retry(
///     gently, [&] { return ferry::run_in_executor(pool, download, url); });
/// @endcode
///
/// @par See also
/// `retry` for blocking calls; `circuit_breaker`.
template <class F>
    requires detail::awaitable_maker<F>
std::invoke_result_t<F&> async_retry(retry_policy policy, F make_awaitable) {
    using value = typename std::invoke_result_t<F&>::value_type;
    return detail::retry_awaiting<value>(detail::retrying(std::move(policy)),
                                         std::move(make_awaitable));
}

} // namespace ferry
