// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <ferry/detail/delivery.hpp>
#include <ferry/detail/ending_handler.hpp>
#include <ferry/thread_pool.hpp>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace ferry {

/// What an awaitable of `R` gives: a reference comes as a `std::reference_wrapper`.
template <class R>
using awaited_t =
    std::conditional_t<std::is_reference_v<R>,
                       std::reference_wrapper<std::remove_reference_t<R>>, R>;

/// Runs `fn(args...)` in the pool and gives its result, or throws its exception. Lazy.
/// Completion: never inline. Executor: resumes on the coroutine's own executor or strand, always.
/// Cancellation (all types): a call that has not started never runs; one that takes a
/// `std::stop_token` is asked to stop and waited for; any other is given up: `cancelled_error` at
/// once, while the thread finishes in its own time. Arguments are owned by the call.
/// Errors: what `fn` throws; `shutdown_error`; `broken_thread_pool`; `cancelled_error`.
/// Blocking: never; a bounded queue's limit does not apply. Lifetime: `pool` until the await; a
/// result that comes after its context was destroyed is dropped.
/// Source: asyncio's `loop.run_in_executor`.
template <class F, class... A>
    requires offloadable<F, A...>
boost::asio::awaitable<awaited_t<offload_result_t<F, A...>>> run_in_executor(thread_pool& pool,
                                                                             F fn, A... args) {
    const auto ex = co_await boost::asio::this_coro::executor;
    auto f = detail::submit_to(*pool_access::core(pool), detail::bounded::no, nullptr,
                               std::move(fn), std::move(args)...);
    bool abandoned = false;
    co_await boost::asio::async_initiate<const boost::asio::use_awaitable_t<>&, void()>(
        [](auto handler, auto state, bool* given_up, boost::asio::any_io_executor on) {
            detail::deliver_when_done(
                std::move(state), on,
                detail::ending_handler(
                    std::move(handler),
                    [given_up](auto&& h, detail::ending end) {
                        *given_up = end == detail::ending::abandoned;
                        std::move(h)();
                    }),
                detail::on_cancel::cancel_task);
        },
        boost::asio::use_awaitable,
        boost::intrusive_ptr<detail::shared_state_base>(detail_access::state(f)), &abandoned, ex);
    if (abandoned)
        throw cancelled_error("the awaiting coroutine was cancelled; the call runs on unobserved");
    co_return std::move(f).result();
}

} // namespace ferry
