// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <ferry/process_pool.hpp>
#include <ferry/run_in_executor.hpp>

namespace ferry {
namespace detail {

template <class R, class F, class... A>
boost::asio::awaitable<R> offload_remotely(std::shared_ptr<process_core> core, F fn, A... args) {
    auto s = detail::access::take(
        submit_remotely(core, nullptr, std::as_const(fn), std::as_const(args)...));
    wait_status end{};
    co_await until_done(*s, cancel_mode::cancel_task, end);
    co_return outcome_of(*s, end, true);
}

} // namespace detail

/// Runs `fn(args...)` in a worker process and gives its result, or throws its exception. Lazy.
/// As `run_in_executor` on a thread pool, but for the cancellation of a call that runs: one that
/// takes a `std::stop_token` is asked to stop, and after the pool's `kill_grace` its worker is
/// ended and replaced; of any other the worker is ended at once: `cancelled_error`. Completion:
/// never inline. Executor: resumes on the coroutine's own executor or strand, always. Errors: what
/// `fn` throws; those of `process_pool::submit`; `worker_died`; `cancelled_error`. Blocking: never.
/// Source: asyncio's `loop.run_in_executor`.
template <class F, class... A>
    requires process_offloadable<F, A...>
auto run_in_executor(process_pool& pool, F&& fn, A&&... args) {
    using result = std::remove_cv_t<offload_result_t<F, detail::sent_t<A>...>>;
    return detail::offload_remotely<result, std::decay_t<F>, detail::sent_t<A>...>(
        detail::process_pool_access::core(pool), std::forward<F>(fn), std::forward<A>(args)...);
}

/// The same as an Asio initiating function, without arguments: signature
/// `void(std::exception_ptr, R)`, or `void(std::exception_ptr)` for void.
/// Executor: the handler's associated executor, else the system executor. Otherwise as
/// `async_invoke` on a thread pool.
template <class F, class Token>
    requires process_offloadable<F> && detail::tokenable<offload_result_t<F>>
auto async_invoke(process_pool& pool, F fn, Token&& token) {
    using result = std::remove_cv_t<offload_result_t<F>>;
    return boost::asio::async_initiate<Token, typename detail::result_signature<result>::type>(
        [](auto handler, std::shared_ptr<detail::process_core> core, F f) {
            future<result> started;
            try {
                started = detail::submit_remotely(core, nullptr, std::as_const(f));
            } catch (...) {
                promise<result> p;
                started = p.get_future();
                p.set_exception(std::current_exception());
            }
            detail::initiate_result<result>(std::move(handler),
                                            detail::access::take(std::move(started)),
                                            boost::asio::system_executor(), true);
        },
        token, detail::process_pool_access::core(pool), std::move(fn));
}

} // namespace ferry
