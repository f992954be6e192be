// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <ferry/detail/context_executor.hpp>
#include <ferry/detail/future_op.hpp>
#include <ferry/detail/start_uncancelled.hpp>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_state.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/this_coro.hpp>

#include <exception>
#include <utility>

namespace ferry {
namespace detail {

/// Awaits the coroutine and stores its value in the operation.
template <class T>
boost::asio::awaitable<void> run_operation(boost::asio::awaitable<T> a,
                                           boost::intrusive_ptr<future_op<T>> op) {
    const auto before = co_await boost::asio::this_coro::cancellation_state;
    if (before.cancelled() != boost::asio::cancellation_type::none)
        throw cancelled_error();
    co_await start_uncancelled();
    if constexpr (std::is_void_v<T>) {
        co_await std::move(a);
        op->succeed([] {});
    } else {
        T value = co_await std::move(a);
        op->succeed([&]() -> T { return std::move(value); });
    }
}

/// Starts the coroutine and returns the state of its value. `at_end` is called when nothing of the
/// coroutine stands in the context's queue any more, which is after the state is done.
template <class Executor, class T, class AtEnd>
boost::intrusive_ptr<shared_state<T>>
start_coroutine(const Executor& executor, boost::asio::awaitable<T> awaitable, AtEnd at_end) {
    boost::intrusive_ptr<future_op<T>> op(new future_op<T>(executor));
    // Fails the future when the coroutine throws, or is destroyed before it ends.
    struct completion {
        boost::intrusive_ptr<future_op<T>> op;
        AtEnd at_end;
        completion(boost::intrusive_ptr<future_op<T>> o, AtEnd e) noexcept
            : op(std::move(o)), at_end(std::move(e)) {}
        completion(completion&&) noexcept = default;
        ~completion() {
            if (op != nullptr && !op->done())
                op->fail_with(
                    make_error<broken_promise>("the coroutine was destroyed before it ended"));
        }
        void operator()(std::exception_ptr e) {
            const auto o = std::exchange(op, nullptr);
            if (e)
                o->fail_with(std::move(e));
            at_end();
        }
    };
    auto handler =
        boost::asio::bind_cancellation_slot(op->slot(), completion(op, std::move(at_end)));
    if (const context_ptr context = capture_context())
        boost::asio::co_spawn(with_context(boost::asio::any_io_executor(executor), context),
                              run_operation(std::move(awaitable), op), std::move(handler));
    else
        boost::asio::co_spawn(executor, run_operation(std::move(awaitable), op),
                              std::move(handler));
    return op;
}

} // namespace detail

/// Runs the coroutine on the executor and returns the future of its value, for any movable `T`.
///
/// @par Executor
/// The coroutine runs on `executor`, and so do the callbacks of the future.
///
/// @par Cancellation
/// As for `use_future`: `future::cancel` makes the future cancelled at once, from any thread, and
/// cancels the coroutine by a function posted to `executor` (if several threads run its context, it
/// must be a strand).
///
/// @par Blocking
/// Never.
///
/// @par Errors
/// Any exception of the coroutine; `broken_promise` if it is destroyed before its end.
///
/// @par Lifetime
/// The coroutine owns its arguments; the future may outlive it and its context.
///
/// @par Thread safety
/// Safe: may be called from any thread.
///
/// @par Example
/// @code
/// ferry::future<int> answer = ferry::run_coroutine_threadsafe(context.get_executor(), ask());
/// @endcode
///
/// @par See also
/// asyncio's `run_coroutine_threadsafe`; `use_future` with `co_spawn`.
template <class Executor, class T>
future<T> run_coroutine_threadsafe(const Executor& executor, boost::asio::awaitable<T> awaitable) {
    return detail::access::make(detail::start_coroutine(executor, std::move(awaitable), [] {}));
}

} // namespace ferry
