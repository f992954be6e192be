// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <ferry/detail/child_scope.hpp>

#include <boost/asio/bind_executor.hpp>
#include <boost/asio/steady_timer.hpp>

namespace ferry {
namespace detail {

/// One child with a timeout.
template <class T>
class wait_for_state final : public child_scope {
public:
    explicit wait_for_state(const boost::asio::any_io_executor& parent)
        : child_scope(parent, wait_kind::wait_for), timer_(executor()) {}

    void start(boost::asio::awaitable<T> a, timeout::clock::time_point deadline) {
        timer_.expires_at(deadline);
        this->add(
            std::move(a),
            [this](regular_t<T> v) {
                value.emplace(std::move(v));
                timer_.cancel();
            },
            [this](std::exception_ptr e) {
                error = std::move(e);
                timer_.cancel();
            });
        launch();
    }

    std::optional<regular_t<T>> value;
    std::exception_ptr error;
    std::exception_ptr timer_error; // the timer could not be started
    bool expired = false;

private:
    void launched() override {
        if (value || error)
            return;
        hold();
        try {
            timer_.async_wait(boost::asio::bind_executor(
                executor(), [keep = boost::intrusive_ptr<wait_for_state>(this)](
                                boost::system::error_code ec) { keep->timer_ended(!ec); }));
        } catch (...) {
            timer_error = std::current_exception();
            timer_ended(true);
        }
    }
    void timer_ended(bool at_deadline) {
        if (at_deadline && !value && !error) {
            expired = true;
            cancel_children();
        }
        one_ended();
    }

    boost::asio::steady_timer timer_;
};

} // namespace detail

/// Awaits `awaitable` with a time limit.
///
/// When the timeout expires the coroutine is cancelled and awaited until it has ended; if it ends
/// with a value or with another exception, that is the outcome. An offloaded thread call that takes
/// no stop token is not waited for; a queued one never runs. With a timeout of 0 the coroutine is
/// not started.
///
/// @par Executor
/// The coroutine runs on the awaiting coroutine's executor, wrapped in a strand unless it already
/// is one or belongs to `run`. Without a limit it is awaited directly.
///
/// @par Cancellation
/// All types: forwarded to the coroutine; the outcome is then never `timeout_error`.
///
/// @par Blocking
/// Never.
///
/// @par Errors
/// `timeout_error`; `cancelled_error`; any exception of the coroutine.
///
/// @par Lifetime
/// The timeout starts when the returned awaitable is awaited.
///
/// @par Example
/// @code
/// page front = co_await ferry::wait_for(load_page("/"), 2s); // or timeout_error
/// @endcode
///
/// @par See also
/// asyncio's `wait_for`.
template <class T>
boost::asio::awaitable<T> wait_for(boost::asio::awaitable<T> awaitable, timeout limit) {
    const auto deadline = limit.deadline();
    if (!deadline)
        co_return co_await std::move(awaitable);
    if (*limit.limit() <= timeout::clock::duration::zero())
        throw timeout_error("wait_for: there was no time to start");
    const auto ex = co_await boost::asio::this_coro::executor;
    boost::intrusive_ptr<detail::wait_for_state<T>> c(new detail::wait_for_state<T>(ex));
    c->start(std::move(awaitable), *deadline);
    detail::wait_status how{};
    co_await detail::all_ended(*c, how);
    detail::check_ended(how);
    if (c->error) {
        if (!detail::is_cancellation(c->error))
            std::rethrow_exception(c->error);
        if (c->timer_error)
            std::rethrow_exception(c->timer_error);
        if (c->expired && !c->stopped())
            throw timeout_error("wait_for: not done within " + detail::text_of(limit));
        throw cancelled_error();
    }
    if constexpr (!std::is_void_v<T>)
        co_return std::move(*c->value);
}

} // namespace ferry
