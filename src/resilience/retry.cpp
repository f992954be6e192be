// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include <ferry/resilience/retry.hpp>

#include <ferry/timeout.hpp>

#include "support/annotated_mutex.hpp"

#include <boost/asio/cancellation_state.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <condition_variable>
#include <thread>

namespace ferry::detail {

retrying::retrying(retry_policy policy) : backoff_(policy), retry_on_(std::move(policy.retry_on)) {}

std::optional<backoff::duration> retrying::failed(const std::exception_ptr& error) {
    if (error == nullptr || is_cancellation(error)) // null: the thread is being ended
        return std::nullopt;
    auto delay = backoff_.next();
    if (delay && retry_on_ && !retry_on_(error))
        delay.reset();
    return delay;
}

void pause(backoff::duration delay, const std::stop_token& stop) {
    annotated_mutex mutex; // guards nothing: the condition wants one
    std::condition_variable_any requested;
    annotated_lock lock(mutex);
    const auto never = [] { return false; };
    if (const auto end = timeout(delay).deadline())
        requested.wait_until(lock, stop, *end, never);
    else
        requested.wait(lock, stop, never);
    if (stop.stop_requested())
        throw cancelled_error("stopped between two attempts");
}

namespace {

constexpr const char* cancelled_between = "cancelled between two attempts";

} // namespace

boost::asio::awaitable<void> async_pause(backoff::duration delay) {
    namespace asio = boost::asio;
    asio::steady_timer timer(co_await asio::this_coro::executor, delay);
    boost::system::error_code ended;
    co_await timer.async_wait(asio::redirect_error(asio::use_awaitable, ended));
    if (ended)
        throw cancelled_error(cancelled_between);
    check_between_attempts(co_await asio::this_coro::cancellation_state);
}

void check_between_attempts(const boost::asio::cancellation_state& state) {
    if (state.cancelled() != boost::asio::cancellation_type::none)
        throw cancelled_error(cancelled_between);
}

} // namespace ferry::detail
