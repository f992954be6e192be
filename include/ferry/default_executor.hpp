// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <ferry/config.hpp>
#include <ferry/thread_pool.hpp>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/execution_context.hpp>

namespace ferry {

/// Returns the pool that `to_thread` uses for this context, creating it on first use with the
/// default options.
///
/// @par Blocking
/// Never.
///
/// @par Lifetime
/// A pool created here belongs to the context: when the context is destroyed the pool stops
/// accepting tasks, cancels those that are queued, and is joined after the context's handlers have
/// been destroyed.
///
/// @par Thread safety
/// Safe.
///
/// @par See also
/// asyncio's default executor; `set_default_executor`.
FERRY_DECL thread_pool& default_executor(boost::asio::execution_context& context);

/// Makes `pool` the default of this context. A pool that `default_executor` created before is used
/// no more by `to_thread`; it finishes what it was given and ends with the context.
///
/// @par Blocking
/// Never.
///
/// @par Lifetime
/// The pool is held by reference and must outlive the context.
///
/// @par Thread safety
/// Safe.
FERRY_DECL void set_default_executor(boost::asio::execution_context& context, thread_pool& pool);

namespace detail {

/// Joins the default pool of a context that was shut down.
FERRY_DECL void end_default_executor(boost::asio::execution_context& context);

} // namespace detail

/// Shuts down the default pool of the coroutine's context, also one chosen with
/// `set_default_executor`; `to_thread` throws `shutdown_error` afterwards. Returns false if tasks
/// were still running when the timeout expired; queued tasks are then cancelled and the running
/// ones are left to finish in the background.
///
/// @par Executor
/// The pool is shut down in a thread of its own; the coroutine resumes on its own executor.
///
/// @par Cancellation
/// All types: the coroutine resumes at once with `cancelled_error`; the pool goes on shutting down.
///
/// @par Blocking
/// Never.
///
/// @par Errors
/// `cancelled_error`; `std::system_error` if no thread can be created.
///
/// @par See also
/// asyncio's `loop.shutdown_default_executor`.
FERRY_DECL boost::asio::awaitable<bool> shutdown_default_executor(timeout limit = {});

} // namespace ferry
