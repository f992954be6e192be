// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <ferry/default_executor.hpp>
#include <ferry/run_in_executor.hpp>

namespace ferry {

/// `run_in_executor` on the default pool of the coroutine's execution context.
/// Source: `asyncio.to_thread`.
template <class F, class... A>
    requires offloadable<F, A...>
boost::asio::awaitable<awaited_t<offload_result_t<F, A...>>> to_thread(F fn, A... args) {
    const auto ex = co_await boost::asio::this_coro::executor;
    auto& pool = default_executor(boost::asio::query(ex, boost::asio::execution::context));
    co_return co_await run_in_executor(pool, std::move(fn), std::move(args)...);
}

/// Runs `fn(args...)` with options for the task on the default pool of the coroutine's execution context;
/// see `run_in_executor` with options.
template <class F, class... A>
    requires offloadable<F, A...>
boost::asio::awaitable<awaited_t<offload_result_t<F, A...>>> to_thread(task_options options, F fn,
                                                                       A... args) {
    const auto ex = co_await boost::asio::this_coro::executor;
    auto& pool = default_executor(boost::asio::query(ex, boost::asio::execution::context));
    co_return co_await run_in_executor(pool, std::move(options), std::move(fn),
                                       std::move(args)...);
}

} // namespace ferry
