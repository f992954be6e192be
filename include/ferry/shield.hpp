// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <ferry/use_future.hpp>

namespace ferry {

/// Protects the coroutine from cancellation: a cancelled awaiter gets `cancelled_error` at once, and
/// the coroutine goes on; its late outcome is dropped. Executor: the awaiting coroutine's.
/// Blocking: never. Source: `asyncio.shield`.
template <class T>
boost::asio::awaitable<T> shield(boost::asio::awaitable<T> awaitable) {
    const auto ex = co_await boost::asio::this_coro::executor;
    const auto s = detail_access::take(run_coroutine_threadsafe(ex, std::move(awaitable)));
    detail::wait_status end{};
    co_await detail::until_done(*s, detail::cancel_mode::stop_waiting, end);
    if (end == detail::wait_status::abandoned)
        throw cancelled_error("the wait for a shielded coroutine was cancelled; it goes on");
    co_return detail::outcome_of(*s, end, true);
}

} // namespace ferry
