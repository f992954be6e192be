// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <ferry/process_pool.hpp>
#include <ferry/run_in_executor.hpp>

namespace ferry {
namespace detail {

template <class R, class F, class... A>
boost::asio::awaitable<R> offload_remotely(std::shared_ptr<call_host> host, F fn, A... args) {
    const auto s = submit_remotely(host, entrance::coroutine, nullptr, std::as_const(fn),
                                   std::as_const(args)...);
    wait_status end{};
    co_await until_done(*s, cancel_mode::cancel_task, end);
    co_return outcome_of(*s, end, true);
}
template <class R, class F, class... A>
boost::asio::awaitable<R> offload_remotely_with(std::shared_ptr<call_host> host,
                                                task_options options, F fn, A... args) {
    const auto s = submit_remotely(host, entrance::coroutine, &options, std::as_const(fn),
                                   std::as_const(args)...);
    wait_status end{};
    co_await until_done(*s, cancel_mode::cancel_task, end);
    co_return outcome_of(*s, end, true);
}

/// Starts an operation that completes with the outcome of a call in a worker process.
template <class R, class Handler, class F>
void initiate_remotely(Handler handler, const std::shared_ptr<call_host>& host,
                       task_options* options, const F& fn) {
    auto started =
        state_from<R>([&] { return submit_remotely(host, entrance::coroutine, options, fn); });
    initiate_result<R>(std::move(handler), std::move(started), boost::asio::system_executor(),
                       true);
}

} // namespace detail

/// Runs `fn(args...)` in a worker process and returns its result or rethrows its exception. The
/// call starts when the returned awaitable is first awaited.
///
/// @par Executor
/// The call runs in a worker process; the coroutine resumes on its own executor or strand, also
/// after an exception or a cancellation.
///
/// @par Cancellation
/// All types: a call that has not started never runs; one that takes a `std::stop_token` is asked
/// to stop, and after the pool's `kill_grace` its worker is ended and replaced; the worker of any
/// other running call is ended at once. The coroutine resumes with `cancelled_error`.
///
/// @par Blocking
/// Never.
///
/// @par Errors
/// Any exception of `fn`; those of `process_pool::submit`; `worker_died`; `cancelled_error`. All of
/// them are thrown when the awaitable is awaited.
///
/// @par Lifetime
/// The awaitable owns `fn` and the arguments. The pool must be alive when `run_in_executor` is
/// called; if it has been destroyed before the awaitable is awaited, that throws `shutdown_error`.
///
/// @par See also
/// asyncio's `loop.run_in_executor`; `process_pool::submit`.
template <class F, class... A>
    requires process_offloadable<F, A...>
auto run_in_executor(process_pool& pool, F&& fn, A&&... args) {
    using result = std::remove_cv_t<offload_result_t<F, detail::sent_t<A>...>>;
    return detail::offload_remotely<result, std::decay_t<F>, detail::sent_t<A>...>(
        detail::process_pool_access::host(pool), std::forward<F>(fn), std::forward<A>(args)...);
}

/// Runs `fn(args...)` in a worker process as `options` say: a `timeout` ends the worker and
/// replaces it. With g++ 12 the options need a name before the `co_await` expression. Otherwise as
/// the overload without options.
template <class F, class... A>
    requires process_offloadable<F, A...>
auto run_in_executor(process_pool& pool, task_options options, F&& fn, A&&... args) {
    using result = std::remove_cv_t<offload_result_t<F, detail::sent_t<A>...>>;
    return detail::offload_remotely_with<result, std::decay_t<F>, detail::sent_t<A>...>(
        detail::process_pool_access::host(pool), std::move(options), std::forward<F>(fn),
        std::forward<A>(args)...);
}

/// Initiates the call of `fn()` in a worker process. The completion signature is
/// `void(std::exception_ptr, R)`, or `void(std::exception_ptr)` for void; the handler is never
/// called from this function.
///
/// @par Executor
/// The handler runs on its associated executor, or on the system executor if there is none.
///
/// @par Cancellation
/// All types, through the associated cancellation slot, as for `run_in_executor` with a
/// `process_pool`. The cancellation signal must be emitted on the handler's executor.
///
/// @par Blocking
/// Never.
///
/// @par Errors
/// All errors, including those `submit` would throw, are passed to the handler.
///
/// @par Lifetime
/// The call owns `fn`.
///
/// @par See also
/// `run_in_executor`.
template <class F, class Token>
    requires process_offloadable<F> && detail::tokenable<offload_result_t<F>>
auto async_invoke(process_pool& pool, F fn, Token&& token) {
    using result = std::remove_cv_t<offload_result_t<F>>;
    return boost::asio::async_initiate<Token, typename detail::result_signature<result>::type>(
        [](auto handler, std::shared_ptr<detail::call_host> host, F f) {
            detail::initiate_remotely<result>(std::move(handler), host, nullptr, f);
        },
        token, detail::process_pool_access::host(pool), std::move(fn));
}

/// Initiates the call of `fn()` in a worker process as `options` say. Otherwise as the overload
/// without options.
template <class F, class Token>
    requires process_offloadable<F> && detail::tokenable<offload_result_t<F>>
auto async_invoke(process_pool& pool, task_options options, F fn, Token&& token) {
    using result = std::remove_cv_t<offload_result_t<F>>;
    return boost::asio::async_initiate<Token, typename detail::result_signature<result>::type>(
        [](auto handler, std::shared_ptr<detail::call_host> host, task_options o, F f) {
            detail::initiate_remotely<result>(std::move(handler), host, &o, f);
        },
        token, detail::process_pool_access::host(pool), std::move(options), std::move(fn));
}

} // namespace ferry
