// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <ferry/cluster/cluster_pool.hpp>
#include <ferry/run_in_executor.hpp>

namespace ferry {
namespace detail {

template <class R, class F, class... A>
boost::asio::awaitable<R> offload_to_cluster(std::shared_ptr<cluster_host> host, F fn, A... args) {
    const auto s = submit_to_cluster(host, entrance::coroutine, nullptr, std::as_const(fn),
                                     std::as_const(args)...);
    wait_status end{};
    co_await until_done(*s, cancel_mode::cancel_task, end);
    co_return outcome_of(*s, end, true);
}
template <class R, class F, class... A>
boost::asio::awaitable<R> offload_to_cluster_with(std::shared_ptr<cluster_host> host,
                                                  task_options options, F fn, A... args) {
    const auto s = submit_to_cluster(host, entrance::coroutine, &options, std::as_const(fn),
                                     std::as_const(args)...);
    wait_status end{};
    co_await until_done(*s, cancel_mode::cancel_task, end);
    co_return outcome_of(*s, end, true);
}

/// Starts an operation that completes with the outcome of a call on a worker host.
template <class R, class Handler, class F>
void initiate_on_cluster(Handler handler, const std::shared_ptr<cluster_host>& host,
                         task_options* options, const F& fn) {
    auto started =
        state_from<R>([&] { return submit_to_cluster(host, entrance::coroutine, options, fn); });
    initiate_result<R>(std::move(handler), std::move(started), boost::asio::system_executor(),
                       true);
}

} // namespace detail

/// Runs `fn(args...)` on a worker host and returns its result or rethrows its exception. The call
/// is submitted when the returned awaitable is first awaited. As `run_in_executor` with a
/// `process_pool`, except as noted below.
///
/// @par Cancellation
/// All types: the coroutine resumes with `cancelled_error` at once. A host that has not started the
/// call drops it, and one that has ends it as a `process_pool` does.
///
/// @par Blocking
/// Never. While the pool's queue is full the coroutine waits for its place, first come first
/// served; if the pool rejects, `queue_full_error` is thrown.
template <class F, class... A>
    requires process_offloadable<F, A...>
auto run_in_executor(cluster_pool& pool, F&& fn, A&&... args) {
    using result = std::remove_cv_t<offload_result_t<F, detail::sent_t<A>...>>;
    return detail::offload_to_cluster<result, std::decay_t<F>, detail::sent_t<A>...>(
        detail::cluster_pool_access::host(pool), std::forward<F>(fn), std::forward<A>(args)...);
}

/// Runs `fn(args...)` on a worker host as `options` say. With g++ 12 the options need a name before
/// the `co_await` expression. Otherwise as the overload without options.
template <class F, class... A>
    requires process_offloadable<F, A...>
auto run_in_executor(cluster_pool& pool, task_options options, F&& fn, A&&... args) {
    using result = std::remove_cv_t<offload_result_t<F, detail::sent_t<A>...>>;
    return detail::offload_to_cluster_with<result, std::decay_t<F>, detail::sent_t<A>...>(
        detail::cluster_pool_access::host(pool), std::move(options), std::forward<F>(fn),
        std::forward<A>(args)...);
}

/// Initiates the call of `fn()` on a worker host. As `async_invoke` with a `process_pool`.
template <class F, class Token>
    requires process_offloadable<F> && detail::tokenable<offload_result_t<F>>
auto async_invoke(cluster_pool& pool, F fn, Token&& token) {
    using result = std::remove_cv_t<offload_result_t<F>>;
    return boost::asio::async_initiate<Token, typename detail::result_signature<result>::type>(
        [](auto handler, std::shared_ptr<detail::cluster_host> host, F f) {
            detail::initiate_on_cluster<result>(std::move(handler), host, nullptr, f);
        },
        token, detail::cluster_pool_access::host(pool), std::move(fn));
}

/// Initiates the call of `fn()` on a worker host as `options` say. Otherwise as the overload
/// without options.
template <class F, class Token>
    requires process_offloadable<F> && detail::tokenable<offload_result_t<F>>
auto async_invoke(cluster_pool& pool, task_options options, F fn, Token&& token) {
    using result = std::remove_cv_t<offload_result_t<F>>;
    return boost::asio::async_initiate<Token, typename detail::result_signature<result>::type>(
        [](auto handler, std::shared_ptr<detail::cluster_host> host, task_options o, F f) {
            detail::initiate_on_cluster<result>(std::move(handler), host, &o, f);
        },
        token, detail::cluster_pool_access::host(pool), std::move(options), std::move(fn));
}

} // namespace ferry
