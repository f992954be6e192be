// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <ferry/promise.hpp>
#include <ferry/submit.hpp>

namespace ferry {
namespace detail {

/// Submits for the bridge: never blocks. `options` may be null.
template <class Where, class F, class... A>
auto submit_from_loop(Where& where, task_options* options, F&& fn, A&&... args) {
    if constexpr (std::is_same_v<std::remove_cv_t<Where>, thread_pool>)
        return submit_to(*detail::pool_access::core(where), entrance::coroutine, options,
                         std::forward<F>(fn), std::forward<A>(args)...);
    else if constexpr (asio_context<Where>)
        return submit_through(entrance::coroutine, options, where.get_executor(),
                              std::forward<F>(fn), std::forward<A>(args)...);
    else
        return submit_through(entrance::coroutine, options, where, std::forward<F>(fn),
                              std::forward<A>(args)...);
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
concept executor_or_context__whose_context_is_an_execution_context =
    asio_context<std::remove_reference_t<Where>> ||
    (is_asio_executor<std::remove_cvref_t<Where>> &&
     executor_of_an_execution_context<std::remove_cvref_t<Where>>);

/// Where an awaited call may run.
template <class Where>
concept offload_target = no_temporary_pool_or_context__give_it_a_name<Where> &&
                         executor_or_context__whose_context_is_an_execution_context<Where>;

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

/// Initiates; a handler without an executor runs where the call ran, or in the system's where that
/// is a pool that was shut down. Only a pool in which the handler runs stays open for it: another
/// one's shutdown may be waited for by the very thread that would run it.
template <class T, class Handler, class Target>
void initiate_from(Target& target, Handler handler, boost::intrusive_ptr<shared_state<T>> s) {
    namespace asio = boost::asio;
    const asio::any_io_executor there(executor_of(target));
    const auto core = pool_of(
        asio::query(asio::get_associated_executor(handler, there), asio::execution::context));
    const bool stays = core == nullptr || try_on_work_started(*core, *s);
    auto pass = std::make_shared<outstanding_work_guard>(stays ? core : nullptr, s);
    const auto at = asio::get_associated_executor(
        handler, stays ? there : asio::any_io_executor(asio::system_executor()));
    initiate_result_on<T>(std::move(handler), std::move(s), at, true, std::move(pass));
}

template <class Handle, class F, class... A>
boost::asio::awaitable<awaited_t<offload_result_t<F, A...>>> offload(Handle where, F fn,
                                                                     A... args) {
    const auto s =
        submit_from_loop(target_of(where), nullptr, std::move(fn), std::move(args)...);
    wait_status end{};
    co_await until_done(*s, cancel_mode::cancel_task, end);
    co_return outcome_of(*s, end, true);
}
// Apart from the other one, whose frame is smaller.
template <class Handle, class F, class... A>
boost::asio::awaitable<awaited_t<offload_result_t<F, A...>>>
offload_with(Handle where, task_options options, F fn, A... args) {
    const auto s =
        submit_from_loop(target_of(where), &options, std::move(fn), std::move(args)...);
    wait_status end{};
    co_await until_done(*s, cancel_mode::cancel_task, end);
    co_return outcome_of(*s, end, true);
}

/// Starts an operation that completes with the outcome of `submit()`, which returns a state; an
/// exception that it throws is the outcome too.
template <class T, class Target, class Handler, class Submit>
void initiate_submitted(Target& target, Handler handler, Submit submit) {
    initiate_from<T, Handler>(target, std::move(handler), state_from<T>(std::move(submit)));
}

} // namespace detail

/// Runs `fn(args...)` on a thread pool or any other Asio executor or execution context, and returns
/// its result or rethrows its exception. The call starts when the returned awaitable is first
/// awaited.
///
/// @par Executor
/// The call runs on `where`; the coroutine resumes on its own executor or strand, also after an
/// exception or a cancellation.
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
/// The call owns `fn` and the arguments. `where` must stay valid until the awaitable is awaited. If
/// the coroutine's context is destroyed first, the result is discarded.
///
/// @par Example
/// @code
/// std::string page = co_await ferry::run_in_executor(pool, download, "/index.html");
/// auto strand = asio::make_strand(pool.get_executor()); // calls through it never overlap
/// co_await ferry::run_in_executor(strand, append, std::ref(log), "downloaded");
/// @endcode
///
/// @par See also
/// asyncio's `loop.run_in_executor`; `to_thread`; `async_invoke` for completion tokens.
template <class Where, class F, class... A>
    requires detail::offload_target<Where> && offloadable<F, A...>
boost::asio::awaitable<awaited_t<offload_result_t<F, A...>>> run_in_executor(Where&& where, F fn,
                                                                             A... args) {
    return detail::offload(detail::target_handle(std::forward<Where>(where)), std::move(fn),
                           std::move(args)...);
}

/// Runs `fn(args...)` as `options` say: with a label, a timeout, a latest start time or a priority,
/// which is ignored by executors other than a `thread_pool`. With g++ 12 the options need a name
/// before the `co_await` expression, because that compiler destroys an aggregate made inside it
/// twice. Otherwise as the overload without options.
template <class Where, class F, class... A>
    requires detail::offload_target<Where> && offloadable<F, A...>
boost::asio::awaitable<awaited_t<offload_result_t<F, A...>>>
run_in_executor(Where&& where, task_options options, F fn, A... args) {
    return detail::offload_with(detail::target_handle(std::forward<Where>(where)),
                                std::move(options), std::move(fn), std::move(args)...);
}

/// Initiates the call of `fn()` on `where`. The completion signature is `void(std::exception_ptr,
/// R)`, or `void(std::exception_ptr)` for void; the handler is never called from this function.
///
/// @par Executor
/// The handler runs on its associated executor, or on that of `where` if there is none; the context
/// of that executor has work until then. Memory comes from the associated allocator.
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
/// The call owns `fn`. A context must outlive the call; an executor is copied.
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
template <class Where, class F, class Token>
    requires detail::offload_target<Where> && offloadable<F> &&
             detail::tokenable<offload_result_t<F>>
auto async_invoke(Where&& where, F fn, Token&& token) {
    using result = offload_result_t<F>;
    return boost::asio::async_initiate<Token, typename detail::result_signature<result>::type>(
        [](auto handler, auto target, F f) {
            auto& at = detail::target_of(target);
            detail::initiate_submitted<result>(at, std::move(handler), [&] {
                return detail::submit_from_loop(at, nullptr, std::move(f));
            });
        },
        token, detail::target_handle(std::forward<Where>(where)), std::move(fn));
}

/// Initiates the call of `fn()` as `options` say. Otherwise as the overload without options.
template <class Where, class F, class Token>
    requires detail::offload_target<Where> && offloadable<F> &&
             detail::tokenable<offload_result_t<F>>
auto async_invoke(Where&& where, task_options options, F fn, Token&& token) {
    using result = offload_result_t<F>;
    return boost::asio::async_initiate<Token, typename detail::result_signature<result>::type>(
        [](auto handler, auto target, task_options o, F f) {
            auto& at = detail::target_of(target);
            detail::initiate_submitted<result>(at, std::move(handler), [&] {
                return detail::submit_from_loop(at, &o, std::move(f));
            });
        },
        token, detail::target_handle(std::forward<Where>(where)), std::move(options),
        std::move(fn));
}

} // namespace ferry
