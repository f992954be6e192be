// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <ferry/thread_pool.hpp>

#include <boost/asio/execution_context.hpp>

namespace ferry {

/// The pool that `to_thread` uses in this context, created when first asked for. When the context
/// is destroyed it stops accepting, cancels what is queued, and is joined after the context's
/// handlers are gone. Thread safety: safe. Source: asyncio's default executor.
thread_pool& default_executor(boost::asio::execution_context& context);

/// Makes `pool` the default of this context, by reference: it must outlive the context.
void set_default_executor(boost::asio::execution_context& context, thread_pool& pool);

namespace detail {

/// Joins the default pool of a context that was shut down.
void end_default_executor(boost::asio::execution_context& context);

/// Shuts the default pool of the context down in a thread of its own.
future<bool> close_default_executor(boost::asio::execution_context& context, timeout limit);

} // namespace detail

/// Shuts the default pool of the coroutine's context down; `to_thread` throws `shutdown_error`
/// afterwards. False when tasks were still running at the time-out: what was queued is then
/// cancelled and the threads are left to finish. Cancellation (all types): `cancelled_error` at
/// once; the pool goes on shutting down. Blocking: never.
/// Source: asyncio's `loop.shutdown_default_executor`.
inline boost::asio::awaitable<bool> shutdown_default_executor(timeout limit = {}) {
    const auto ex = co_await boost::asio::this_coro::executor;
    const auto closed = detail_access::take(detail::close_default_executor(
        boost::asio::query(ex, boost::asio::execution::context), limit));
    detail::wait_status end{};
    co_await detail::until_done(*closed, detail::cancel_mode::stop_waiting, end);
    co_return detail::outcome_of(*closed, end, true);
}

} // namespace ferry
