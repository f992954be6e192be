// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <ferry/submit.hpp>

namespace ferry {
namespace detail {

/// Submits for the bridge: never blocks.
template <class Where, class F, class... A>
auto submit_from_loop(Where& where, F&& fn, A&&... args) {
    if constexpr (std::is_same_v<std::remove_cv_t<Where>, thread_pool>)
        return submit_to(*pool_access::core(where), bounded::no, nullptr, std::forward<F>(fn),
                         std::forward<A>(args)...);
    else
        return ferry::submit(where, std::forward<F>(fn), std::forward<A>(args)...);
}

/// Keeps an executor by value and a context by address.
template <class Where>
auto target_handle(Where&& where) {
    if constexpr (asio_context<std::remove_reference_t<Where>>)
        return &where;
    else
        return std::remove_cvref_t<Where>(std::forward<Where>(where));
}
template <class Handle>
auto& target_of(Handle& handle) noexcept {
    if constexpr (std::is_pointer_v<Handle>)
        return *handle;
    else
        return handle;
}
template <class Target>
auto executor_of(Target& target) {
    if constexpr (asio_context<Target>)
        return target.get_executor();
    else
        return target;
}

template <class Where>
concept offload_target = is_asio_executor<std::remove_cvref_t<Where>> ||
                         asio_context<std::remove_reference_t<Where>>;

template <class Handle, class F, class... A>
boost::asio::awaitable<awaited_t<offload_result_t<F, A...>>> offload(Handle where, F fn,
                                                                     A... args) {
    auto s = detail_access::take(
        submit_from_loop(target_of(where), std::move(fn), std::move(args)...));
    ending end{};
    co_await until_done(s, on_cancel::cancel_task, co_await boost::asio::this_coro::executor, end);
    if (auto error = error_of(*s, end))
        std::rethrow_exception(std::move(error));
    co_return value_of(*s, true);
}

} // namespace detail

/// Runs `fn(args...)` in a pool, or through any Asio executor or execution context, and gives its
/// result, or throws its exception. Lazy.
/// Completion: never inline. Executor: resumes on the coroutine's own executor or strand, always.
/// Cancellation (all types): a call that has not started never runs; one that takes a
/// `std::stop_token` is asked to stop and waited for; any other is given up: `cancelled_error` at
/// once, while the thread finishes in its own time. Arguments are owned by the call.
/// Errors: what `fn` throws; those of `submit`; `cancelled_error`.
/// Blocking: never; beyond a bounded queue's limit the call waits for its turn. Lifetime: `where`
/// until the await; a result that comes after its context was destroyed is dropped.
/// Source: asyncio's `loop.run_in_executor`.
template <class Where, class F, class... A>
    requires detail::offload_target<Where> && offloadable<F, A...>
boost::asio::awaitable<awaited_t<offload_result_t<F, A...>>> run_in_executor(Where&& where, F fn,
                                                                             A... args) {
    return detail::offload(detail::target_handle(std::forward<Where>(where)), std::move(fn),
                           std::move(args)...);
}

/// The same as an Asio initiating function, without arguments: signature
/// `void(std::exception_ptr, R)`, or `void(std::exception_ptr)` for void.
/// Completion: never inline. Executor: the handler's associated executor, else that of `where`;
/// that executor's context has work until then. Allocator: the associated one. Cancellation: the
/// associated slot, as `run_in_executor`; emit on the handler's executor. Errors: through the
/// handler, those of `submit` too. Blocking: never.
template <class Where, class F, class Token>
    requires detail::offload_target<Where> && offloadable<F> &&
             detail::tokenable<offload_result_t<F>>
auto async_invoke(Where&& where, F fn, Token&& token) {
    using result = offload_result_t<F>;
    return boost::asio::async_initiate<Token, typename detail::result_signature<result>::type>(
        [](auto handler, auto target, F f) {
            using handler_type = decltype(handler);
            future<result> started;
            try {
                started = detail::submit_from_loop(detail::target_of(target), std::move(f));
            } catch (...) {
                promise<result> p;
                started = p.get_future();
                p.set_exception(std::current_exception());
            }
            detail::initiate_result<result, handler_type>(
                std::move(handler), detail_access::state(started),
                detail::executor_of(detail::target_of(target)), true);
        },
        token, detail::target_handle(std::forward<Where>(where)), std::move(fn));
}

} // namespace ferry
