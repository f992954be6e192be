// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <ferry/default_executor.hpp>
#include <ferry/run_in_executor.hpp>

namespace ferry {

/// Runs `fn(args...)` on the default pool of the coroutine's execution context, and returns its
/// result or rethrows its exception. The call starts when the returned awaitable is first awaited.
///
/// @par Executor
/// The call runs on a thread of `default_executor`; the coroutine resumes on its own executor or
/// strand, also after an exception or a cancellation.
///
/// @par Cancellation
/// All types, as for `run_in_executor`: a call that has not started never runs; one that takes a
/// `std::stop_token` is asked to stop and waited for; any other is abandoned.
///
/// @par Blocking
/// Never.
///
/// @par Errors
/// Any exception of `fn`; `cancelled_error`; `shutdown_error` after `shutdown_default_executor`.
///
/// @par Lifetime
/// The call owns `fn` and the arguments.
///
/// @par Example
/// @code
/// std::string text = co_await ferry::to_thread(read_file, "data.txt");
/// @endcode
///
/// @par See also
/// asyncio's `to_thread`; `run_in_executor` for a pool of your own.
template <class F, class... A>
    requires offloadable<F, A...>
boost::asio::awaitable<awaited_t<offload_result_t<F, A...>>> to_thread(F fn, A... args) {
    const auto ex = co_await boost::asio::this_coro::executor;
    auto& pool = default_executor(boost::asio::query(ex, boost::asio::execution::context));
    co_return co_await run_in_executor(pool, std::move(fn), std::move(args)...);
}

/// Runs `fn(args...)` on the default pool of the coroutine's execution context as `options` say.
/// With g++ 12 the options need a name before the `co_await` expression, because that compiler
/// destroys an aggregate made inside it twice. Otherwise as the overload without options.
template <class F, class... A>
    requires offloadable<F, A...>
boost::asio::awaitable<awaited_t<offload_result_t<F, A...>>> to_thread(task_options options, F fn,
                                                                       A... args) {
    const auto ex = co_await boost::asio::this_coro::executor;
    auto& pool = default_executor(boost::asio::query(ex, boost::asio::execution::context));
    co_return co_await run_in_executor(pool, std::move(options), std::move(fn), std::move(args)...);
}

} // namespace ferry
