// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <ferry/detail/failed_state.hpp>
#include <ferry/submit.hpp>

namespace ferry {
namespace detail {

/// Submits for the bridge: never blocks. `options` may be null. Errors: what `submit` throws.
template <class F, class... A>
auto submit_from_loop(thread_pool& pool, task_options* options, F&& fn, A&&... args) {
    return submit_to(*pool_access::core(pool), entrance::coroutine, options, std::forward<F>(fn),
                     std::forward<A>(args)...);
}
/// The same through any other executor.
template <class Executor, class F, class... A>
auto submit_from_loop(const Executor& executor, task_options* options, F&& fn, A&&... args) {
    return submit_through(entrance::coroutine, options, executor, std::forward<F>(fn),
                          std::forward<A>(args)...);
}

template <class Where>
concept executor_or_context__whose_context_is_an_execution_context =
    asio_context<Where> || (is_asio_executor<Where> && executor_of_an_execution_context<Where>);

/// An executor through which an awaited call may run.
template <class Executor>
concept offload_executor = executor_or_context__whose_context_is_an_execution_context<Executor> &&
                           is_asio_executor<Executor>;

/// A context on whose executor an awaited call may run.
template <class Context>
concept offload_context = no_temporary_pool_or_context__give_it_a_name<Context> &&
                          asio_context<std::remove_reference_t<Context>>;

/// Keeps a pool open for a handler that runs in it, until the handler is gone.
class outstanding_work_guard {
public:
    outstanding_work_guard(std::shared_ptr<pool_core> core,
                           boost::intrusive_ptr<shared_state_base> s) noexcept
        : core_(std::move(core)), state_(std::move(s)) {}
    outstanding_work_guard(outstanding_work_guard&&) noexcept = default;
    outstanding_work_guard& operator=(outstanding_work_guard&&) = delete;
    ~outstanding_work_guard() {
        if (core_ != nullptr)
            on_work_finished(*core_, *state_);
    }

private:
    std::shared_ptr<pool_core> core_;
    boost::intrusive_ptr<shared_state_base> state_;
};

/// Initiates; a handler without an executor runs on `executor`, where the call ran, or in the
/// system's where that is a pool that was shut down. Only a pool in which the handler runs stays
/// open for it: another one's shutdown may be waited for by the very thread that would run it.
template <class T, class Handler, class Executor>
void initiate_from(Handler handler, const Executor& executor,
                   boost::intrusive_ptr<shared_state<T>> s) {
    namespace asio = boost::asio;
    const asio::any_io_executor there(executor);
    const auto core = pool_of(
        asio::query(asio::get_associated_executor(handler, there), asio::execution::context));
    const bool stays = core == nullptr || try_on_work_started(*core, *s);
    auto pass = std::make_shared<outstanding_work_guard>(stays ? core : nullptr, s);
    const auto at = asio::get_associated_executor(
        handler, stays ? there : asio::any_io_executor(asio::system_executor()));
    initiate_result_on<T>(std::move(handler), std::move(s), at, true, std::move(pass));
}

/// The call of `fn()` in a pool as an asynchronous operation. An exception of `submit` is its
/// outcome too. `options` may be null.
template <class T, class Handler, class F>
void initiate_call(Handler handler, thread_pool& pool, task_options* options, F fn) {
    auto s = state_from<T>([&] { return submit_from_loop(pool, options, std::move(fn)); });
    initiate_from<T>(std::move(handler), pool.get_executor(), std::move(s));
}
/// The same through any other executor.
template <class T, class Handler, class Executor, class F>
void initiate_call(Handler handler, const Executor& executor, task_options* options, F fn) {
    auto s = state_from<T>([&] { return submit_from_loop(executor, options, std::move(fn)); });
    initiate_from<T>(std::move(handler), executor, std::move(s));
}

} // namespace detail

/// Runs `fn(args...)` in a thread pool and returns its result or rethrows its exception. The call
/// starts when the returned awaitable is first awaited.
///
/// @par Executor
/// The call runs on a thread of the pool; the coroutine resumes on its own executor or strand, also
/// after an exception or a cancellation.
///
/// @par Cancellation
/// All types: a call that has not started never runs; one that takes a `std::stop_token` is asked
/// to stop and waited for; any other running call is abandoned: the awaiting coroutine resumes
/// immediately with `cancelled_error` while the thread runs the call to completion and its result
/// is discarded.
///
/// @par Blocking
/// Never. If the queue of a bounded pool is full, the call stands in line for a place, first come
/// first served, and leaves the line when it is cancelled; if the pool rejects, `queue_full_error`
/// is thrown.
///
/// @par Errors
/// Any exception of `fn`; those of `submit`; `cancelled_error`. All of them are thrown when the
/// awaitable is awaited.
///
/// @par Lifetime
/// The call owns `fn` and the arguments. The pool must stay valid until the awaitable is awaited.
/// If the coroutine's context is destroyed first, the result is discarded.
///
/// @par Example
/// @code
/// std::string page = co_await ferry::run_in_executor(pool, download, "/index.html");
/// @endcode
///
/// @par See also
/// asyncio's `loop.run_in_executor`; `to_thread`; `async_invoke` for completion tokens.
template <class F, class... A>
    requires offloadable<F, A...>
boost::asio::awaitable<awaited_t<offload_result_t<F, A...>>> run_in_executor(thread_pool& pool,
                                                                             F fn, A... args) {
    const auto s = detail::submit_from_loop(pool, nullptr, std::move(fn), std::move(args)...);
    detail::wait_status end{};
    co_await detail::until_done(*s, detail::cancel_mode::cancel_task, end);
    co_return detail::outcome_of(*s, end, true);
}

/// Runs `fn(args...)` through any Asio executor, for example a strand, and returns its result or
/// rethrows its exception. The executor is copied; its context must stay valid until the awaitable
/// is awaited. Otherwise as the overload for a `thread_pool`.
///
/// @par Example
/// @code
/// auto strand = asio::make_strand(pool.get_executor()); // calls through it never overlap
/// co_await ferry::run_in_executor(strand, append, std::ref(log), "downloaded");
/// @endcode
template <class Executor, class F, class... A>
    requires detail::offload_executor<Executor> && offloadable<F, A...>
boost::asio::awaitable<awaited_t<offload_result_t<F, A...>>> run_in_executor(Executor executor,
                                                                             F fn, A... args) {
    const auto s = detail::submit_from_loop(executor, nullptr, std::move(fn), std::move(args)...);
    detail::wait_status end{};
    co_await detail::until_done(*s, detail::cancel_mode::cancel_task, end);
    co_return detail::outcome_of(*s, end, true);
}

/// Runs `fn(args...)` on the executor of an execution context, which must be an lvalue. Otherwise
/// as the overload for an executor.
template <class Context, class F, class... A>
    requires detail::offload_context<Context> && offloadable<F, A...>
boost::asio::awaitable<awaited_t<offload_result_t<F, A...>>> run_in_executor(Context&& context,
                                                                             F fn, A... args) {
    return run_in_executor(context.get_executor(), std::move(fn), std::move(args)...);
}

/// Runs `fn(args...)` in a thread pool as `options` say: with a label, a timeout, a latest start
/// time or a priority. With g++ 12 the options need a name before the `co_await` expression,
/// because that compiler destroys an aggregate made inside it twice. Otherwise as the overload
/// without options.
template <class F, class... A>
    requires offloadable<F, A...>
boost::asio::awaitable<awaited_t<offload_result_t<F, A...>>>
run_in_executor(thread_pool& pool, task_options options, F fn, A... args) {
    const auto s = detail::submit_from_loop(pool, &options, std::move(fn), std::move(args)...);
    detail::wait_status end{};
    co_await detail::until_done(*s, detail::cancel_mode::cancel_task, end);
    co_return detail::outcome_of(*s, end, true);
}

/// Runs `fn(args...)` through any Asio executor as `options` say; `priority`, `bytes`, `idempotent`
/// and `attempts` are ignored. Otherwise as the overload with options for a `thread_pool`.
template <class Executor, class F, class... A>
    requires detail::offload_executor<Executor> && offloadable<F, A...>
boost::asio::awaitable<awaited_t<offload_result_t<F, A...>>>
run_in_executor(Executor executor, task_options options, F fn, A... args) {
    const auto s = detail::submit_from_loop(executor, &options, std::move(fn), std::move(args)...);
    detail::wait_status end{};
    co_await detail::until_done(*s, detail::cancel_mode::cancel_task, end);
    co_return detail::outcome_of(*s, end, true);
}

/// Runs `fn(args...)` on the executor of an execution context, which must be an lvalue, as
/// `options` say. Otherwise as the overload with options for an executor.
template <class Context, class F, class... A>
    requires detail::offload_context<Context> && offloadable<F, A...>
boost::asio::awaitable<awaited_t<offload_result_t<F, A...>>>
run_in_executor(Context&& context, task_options options, F fn, A... args) {
    return run_in_executor(context.get_executor(), std::move(options), std::move(fn),
                           std::move(args)...);
}

/// Initiates the call of `fn()` in a thread pool. The completion signature is
/// `void(std::exception_ptr, R)`, or `void(std::exception_ptr)` for void; the handler is never
/// called from this function.
///
/// @par Executor
/// The handler runs on its associated executor, or on that of the pool if there is none; the
/// context of that executor has work until then. Memory comes from the associated allocator.
///
/// @par Cancellation
/// All types, through the associated cancellation slot, as for `run_in_executor`. The cancellation
/// signal must be emitted on the handler's executor.
///
/// @par Blocking
/// Never.
///
/// @par Errors
/// All errors, including those `submit` would throw, are passed to the handler.
///
/// @par Lifetime
/// The call owns `fn`. The pool must outlive it.
///
/// @par Example
/// @code
/// auto add = [&](std::exception_ptr error, int value) {
///     if (!error)
///         total += value;
/// };
/// ferry::async_invoke(pool, answer, asio::bind_executor(context, add));
/// context.run(); // has work until the handler has run
/// @endcode
///
/// @par See also
/// `run_in_executor`.
template <class F, class Token>
    requires offloadable<F> && detail::tokenable<offload_result_t<F>>
auto async_invoke(thread_pool& pool, F fn, Token&& token) {
    using result = offload_result_t<F>;
    return boost::asio::async_initiate<Token, typename detail::result_signature<result>::type>(
        [](auto handler, thread_pool* where, F f) {
            detail::initiate_call<result>(std::move(handler), *where, nullptr, std::move(f));
        },
        token, &pool, std::move(fn));
}

/// Initiates the call of `fn()` through any Asio executor, which is copied; its context must
/// outlive the call. Otherwise as the overload for a `thread_pool`.
template <class Executor, class F, class Token>
    requires detail::offload_executor<Executor> && offloadable<F> &&
             detail::tokenable<offload_result_t<F>>
auto async_invoke(Executor executor, F fn, Token&& token) {
    using result = offload_result_t<F>;
    return boost::asio::async_initiate<Token, typename detail::result_signature<result>::type>(
        [](auto handler, const Executor& where, F f) {
            detail::initiate_call<result>(std::move(handler), where, nullptr, std::move(f));
        },
        token, std::move(executor), std::move(fn));
}

/// Initiates the call of `fn()` on the executor of an execution context, which must be an lvalue.
/// Otherwise as the overload for an executor.
template <class Context, class F, class Token>
    requires detail::offload_context<Context> && offloadable<F> &&
             detail::tokenable<offload_result_t<F>>
auto async_invoke(Context&& context, F fn, Token&& token) {
    return async_invoke(context.get_executor(), std::move(fn), std::forward<Token>(token));
}

/// Initiates the call of `fn()` in a thread pool as `options` say. Otherwise as the overload
/// without options.
template <class F, class Token>
    requires offloadable<F> && detail::tokenable<offload_result_t<F>>
auto async_invoke(thread_pool& pool, task_options options, F fn, Token&& token) {
    using result = offload_result_t<F>;
    return boost::asio::async_initiate<Token, typename detail::result_signature<result>::type>(
        [](auto handler, thread_pool* where, task_options o, F f) {
            detail::initiate_call<result>(std::move(handler), *where, &o, std::move(f));
        },
        token, &pool, std::move(options), std::move(fn));
}

/// Initiates the call of `fn()` through any Asio executor as `options` say. Otherwise as the
/// overload without options.
template <class Executor, class F, class Token>
    requires detail::offload_executor<Executor> && offloadable<F> &&
             detail::tokenable<offload_result_t<F>>
auto async_invoke(Executor executor, task_options options, F fn, Token&& token) {
    using result = offload_result_t<F>;
    return boost::asio::async_initiate<Token, typename detail::result_signature<result>::type>(
        [](auto handler, const Executor& where, task_options o, F f) {
            detail::initiate_call<result>(std::move(handler), where, &o, std::move(f));
        },
        token, std::move(executor), std::move(options), std::move(fn));
}

/// Initiates the call of `fn()` on the executor of an execution context, which must be an lvalue,
/// as `options` say. Otherwise as the overload for an executor.
template <class Context, class F, class Token>
    requires detail::offload_context<Context> && offloadable<F> &&
             detail::tokenable<offload_result_t<F>>
auto async_invoke(Context&& context, task_options options, F fn, Token&& token) {
    return async_invoke(context.get_executor(), std::move(options), std::move(fn),
                        std::forward<Token>(token));
}

} // namespace ferry
