// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <ferry/run_coroutine_threadsafe.hpp>

namespace ferry {

/// Awaits `awaitable` and protects it from the cancellation of the awaiting coroutine.
///
/// The coroutine runs on as an independent one: after a cancellation its eventual result, or
/// exception, is discarded.
///
/// @par Executor
/// The coroutine runs on the awaiting coroutine's executor, which the latter also resumes on.
///
/// @par Cancellation
/// All types: the awaiting coroutine resumes at once with `cancelled_error`, while the protected
/// one goes on.
///
/// @par Blocking
/// Never.
///
/// @par Errors
/// `cancelled_error`; any exception of the coroutine.
///
/// @par Lifetime
/// The protected coroutine must not refer to locals of the awaiting one, which it may outlive.
/// `run` cancels and awaits it at its end; any other context destroys it with itself.
///
/// @par Example
/// @code
/// co_await ferry::shield(commit(order)); // goes on even if this coroutine is cancelled
/// @endcode
///
/// @par See also
/// asyncio's `shield`.
template <class T>
boost::asio::awaitable<T> shield(boost::asio::awaitable<T> awaitable) {
    const auto ex = co_await boost::asio::this_coro::executor;
    const auto s = detail::start_coroutine(ex, std::move(awaitable), [] {});
    detail::wait_status end{};
    co_await detail::until_done(*s, detail::cancel_mode::stop_waiting, end);
    if (end == detail::wait_status::abandoned)
        throw cancelled_error("the wait for a shielded coroutine was cancelled; it goes on");
    co_return detail::outcome_of(*s, end, true);
}

} // namespace ferry
