// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <ferry/detail/await_state.hpp>
#include <ferry/detail/copied.hpp>
#include <ferry/detail/done_callback.hpp>
#include <ferry/detail/failed_state.hpp>
#include <ferry/detail/future_access.hpp>
#include <ferry/promise.hpp>

#include <functional>
#include <iosfwd>
#include <typeinfo>

namespace ferry {

/// A cheap, copyable handle to a shared result. Destroying a handle neither blocks nor cancels the
/// task.
///
/// `T` may be void, a reference, move-only, or not default-constructible. A coroutine awaits a
/// future with `co_await f.async_result()`. Futures can be compared, hashed and printed.
///
/// @par Executor
/// Done-callbacks run in the thread that completes the future, or in the caller if it is already
/// done.
///
/// @par Blocking
/// `result`, `exception` and the `wait` family block. A worker that waits without a limit for a
/// task of its own pool that has not started runs that task itself.
///
/// @par Errors
/// Every member of an invalid handle throws `no_state_error`, except `valid`, the operators and the
/// asynchronous operations, which complete with it.
///
/// @par Lifetime
/// A future may outlive the pool and the promise that it came from. Its result lives as long as the
/// last handle.
///
/// @par Thread safety
/// Distinct objects: safe, even if they refer to the same result. Shared objects: unsafe if one of
/// the threads assigns or takes; otherwise safe.
///
/// @par See also
/// Python's `concurrent.futures.Future`.
template <class T>
class future {
public:
    using value_type = T;

    future() noexcept = default;
    future(const future&) noexcept = default;
    future(future&&) noexcept = default;
    future& operator=(const future&) noexcept = default;
    future& operator=(future&&) noexcept = default;
    ~future() = default;

    /// Returns false for a handle that was default-constructed, moved from or taken.
    bool valid() const noexcept { return state_ != nullptr; }

    /// Returns true if the future has a value or an exception, or was cancelled.
    bool done() const { return state().done(); }

    /// Returns true if the task has started and has not ended.
    bool running() const { return state().current() == detail::status::running; }

    /// Returns true if the future was cancelled.
    bool cancelled() const { return state().current() == detail::status::cancelled; }

    /// Cancels the task if it has not started. Returns true if the future is now cancelled,
    /// including if it already was.
    ///
    /// Waiters are woken, and callbacks run, in the calling thread before this function returns;
    /// the callable and its arguments are destroyed immediately. A task that is running is not
    /// affected: see `request_stop`.
    ///
    /// @par Blocking
    /// Never, apart from the callbacks and destructors that it runs.
    bool cancel() const {
        const auto keep = state_;
        return state().cancel() || keep->was_cancelled();
    }

    /// Asks a running task that takes a `std::stop_token` to stop. Returns true if there is such a
    /// task.
    bool request_stop() const { return state().request_stop(); }

    /// Waits for the result and returns a reference to it. The reference is valid as long as a
    /// handle exists and the value has not been moved out.
    ///
    /// @par Blocking
    /// Until the future is done, at most `limit`.
    ///
    /// @par Errors
    /// The task's exception; `cancelled_error`; `timeout_error`; `would_deadlock` for a wait
    /// without a limit that could never end; `invalid_state_error` ("value taken") after the value
    /// was moved out.
    decltype(auto) result(timeout limit = {}) const& { return peek(limit); }

    /// Waits for the result and returns a reference to it, as the overload for a const handle.
    decltype(auto) result(timeout limit = {}) & { return peek(limit); }

    /// Waits for the result, moves it out and resets this handle (whose hash and equality therefore
    /// change). Only the first caller succeeds.
    ///
    /// @par Blocking
    /// Until the future is done, at most `limit`.
    ///
    /// @par Errors
    /// As the other overload; later callers get `invalid_state_error` ("value taken").
    ///
    /// @par Exception safety
    /// On timeout or exception the handle is left unchanged.
    T result(timeout limit = {}) && {
        auto keep = state_;
        settle(limit);
        if (!keep->take())
            throw invalid_state_error("value taken");
        state_.reset();
        if constexpr (std::is_void_v<T>)
            return;
        else if constexpr (std::is_reference_v<T>)
            return static_cast<T>(*keep->value());
        else
            return std::move(keep->value());
    }
    T result(timeout limit = {}) const&& = delete;

    /// Waits for the outcome and returns the task's exception, or null if it ended with a value.
    ///
    /// @par Blocking
    /// Until the future is done, at most `limit`.
    ///
    /// @par Errors
    /// `cancelled_error`; `timeout_error`; `would_deadlock` for a wait without a limit that could
    /// never end.
    std::exception_ptr exception(timeout limit = {}) const {
        const auto keep = state_;
        if (!state().wait(limit))
            throw keep->expiry();
        if (keep->current() == detail::status::cancelled)
            throw keep->cancellation();
        return keep->error();
    }

    /// Blocks until the future is done. Throws `would_deadlock` if that could never be.
    void wait() const { state().wait(timeout()); }
    /// Blocks until the future is done, at most `limit`. Returns true if it is done.
    bool wait_for(timeout limit) const { return state().wait(limit); }

    /// Blocks until the future is done, at most until `at`, which may be a time point of any clock.
    /// Returns true if it is done.
    template <class Clock, class Duration>
    bool wait_until(std::chrono::time_point<Clock, Duration> at) const {
        for (;;) {
            const timeout left = detail::time_until(at);
            if (state().wait(left))
                return true;
            if (left.limit() == timeout::clock::duration::zero())
                return false;
            // The clock was set back, or goes slower than the one that the wait is measured with.
        }
    }

    /// Calls `f(future<T>)` once when the future is done, or immediately, in the calling thread, if
    /// it already is. Callbacks registered before completion run in the order of their
    /// registration.
    ///
    /// @par Executor
    /// The thread that completes the future; for a process pool, the pool's thread for callbacks.
    ///
    /// @par Errors
    /// An exception that escapes `f` goes to the handler installed by `set_unhandled_callback`.
    ///
    /// @par Exception safety
    /// Strong: if storing `f` throws, nothing is registered.
    ///
    /// @par Lifetime
    /// `f` is destroyed right after it has run. No internal lock is held while it runs.
    template <class F>
        requires detail::copied_or_moved_into_the_call__say_std_move<F> &&
                 std::invocable<std::decay_t<F>&, future<T>>
    void add_done_callback(F&& f) const {
        auto& s = state();
        auto c = std::make_unique<detail::done_callback<T, std::decay_t<F>>>(std::forward<F>(f));
        if (s.add(*c))
            static_cast<void>(c.release());
        else
            c.release()->fire(&s);
    }

    /// Initiates an asynchronous wait for the future to be done. The completion signature is
    /// `void(boost::system::error_code)`; the handler is never called from this function.
    ///
    /// @par Executor
    /// The handler's associated executor, or the system executor if there is none.
    ///
    /// @par Cancellation
    /// All types: completes with `operation_aborted`; the task itself is not affected. The
    /// cancellation signal must be emitted on the handler's executor.
    ///
    /// @par Blocking
    /// Never.
    ///
    /// @par Errors
    /// `errc::no_state` for an invalid handle. Whether the task failed is not reported here.
    ///
    /// @par Lifetime
    /// The handle may be destroyed meanwhile. If the handler's context is destroyed, the handler is
    /// destroyed uncalled.
    template <class Token>
    auto async_wait(Token&& token) const {
        return boost::asio::async_initiate<Token, void(boost::system::error_code)>(
            [](auto handler, boost::intrusive_ptr<state_type> s, boost::system::error_code error) {
                detail::initiate_wait(std::move(handler), *s, error);
            },
            token, awaited(),
            valid() ? boost::system::error_code() : make_error_code(errc::no_state));
    }

    /// Initiates an asynchronous wait for the result. The completion signature is
    /// `void(std::exception_ptr, awaited_t<T>)`, or `void(std::exception_ptr)` for void; the
    /// handler is never called from this function.
    ///
    /// The value is copied, or moved out if it is not copyable or `*this` is an rvalue. Beside an
    /// error the handler receives a default-constructed value.
    ///
    /// @par Executor
    /// The handler's associated executor, or the system executor if there is none.
    ///
    /// @par Cancellation
    /// All types: cancels the future if the task has not started; a running task that takes a
    /// `std::stop_token` is asked to stop and waited for; any other is abandoned, with
    /// `cancelled_error`. The cancellation signal must be emitted on the handler's executor.
    ///
    /// @par Blocking
    /// Never.
    ///
    /// @par Errors
    /// The task's exception, `cancelled_error` and `no_state_error`, all of them passed to the
    /// handler.
    ///
    /// @par Lifetime
    /// The handle may be destroyed meanwhile. If the handler's context is destroyed, the handler is
    /// destroyed uncalled.
    template <class Token>
        requires detail::tokenable<T>
    auto async_result(Token&& token) const& {
        return start_result(std::forward<Token>(token), false);
    }

    /// Initiates an asynchronous wait for the result, which is moved out of the future. Otherwise
    /// as the overload for an lvalue.
    template <class Token>
        requires detail::tokenable<T>
    auto async_result(Token&& token) && {
        return start_result(std::forward<Token>(token), true);
    }
    /// Returns an awaitable that waits for the result, for any movable `T`, and returns it or
    /// throws.
    ///
    /// The value is copied, or moved out if it is not copyable or `*this` is an rvalue.
    ///
    /// @par Executor
    /// The coroutine resumes on its own executor.
    ///
    /// @par Cancellation
    /// All types: as the overload with a completion token.
    ///
    /// @par Blocking
    /// Never.
    ///
    /// @par Errors
    /// The task's exception, `cancelled_error` and `no_state_error`, thrown when the awaitable is
    /// awaited.
    ///
    /// @par Lifetime
    /// The awaitable keeps the result; the handle may be destroyed meanwhile.
    boost::asio::awaitable<awaited_t<T>> async_result() const& {
        return await_outcome(awaited(), false);
    }

    /// Returns an awaitable that moves the result out, and resets this handle. Otherwise as the
    /// overload for an lvalue.
    boost::asio::awaitable<awaited_t<T>> async_result() && {
        auto s = awaited();
        state_.reset();
        return await_outcome(std::move(s), true);
    }

    friend bool operator==(const future& a, const future& b) noexcept {
        return a.state_ == b.state_;
    }

    /// Prints the state, as in `<future finished: returned int>`. Throws nothing of its own:
    /// without memory for the name of a type it prints a question mark instead.
    friend std::ostream& operator<<(std::ostream& out, const future& f) {
        return detail::print_future(out, f.state_.get(), typeid(T));
    }

private:
    friend class promise<T>;
    template <class U, class F>
    friend class detail::done_callback;
    friend struct detail::access;
    using state_type = detail::shared_state<T>;

    explicit future(boost::intrusive_ptr<state_type> s) noexcept : state_(std::move(s)) {}

    /// The state to wait for; an invalid handle is replaced by a state that has failed with
    /// `no_state_error`.
    boost::intrusive_ptr<state_type> awaited() const {
        return state_ ? state_ : detail::failed_state<T>(detail::make_error<no_state_error>());
    }

    template <class Token>
    auto start_result(Token&& token, bool take) const {
        return boost::asio::async_initiate<Token, typename detail::result_signature<T>::type>(
            [](auto handler, boost::intrusive_ptr<state_type> s, bool move) {
                detail::initiate_result<T>(std::move(handler), std::move(s),
                                           boost::asio::system_executor(), move);
            },
            token, awaited(), take);
    }
    static boost::asio::awaitable<awaited_t<T>> await_outcome(boost::intrusive_ptr<state_type> s,
                                                              bool take) {
        detail::wait_status end{};
        co_await detail::until_done(*s, detail::cancel_mode::cancel_task, end);
        co_return detail::outcome_of(*s, end, take);
    }

    state_type& state() const {
        if (!state_)
            throw no_state_error();
        return *state_;
    }

    void settle(timeout limit) const {
        const auto keep = state_;
        if (!state().wait(limit))
            throw keep->expiry();
        if (keep->current() == detail::status::cancelled)
            throw keep->cancellation();
        if (keep->current() == detail::status::error)
            std::rethrow_exception(keep->error());
    }

    decltype(auto) peek(timeout limit) const {
        settle(limit);
        if (state_->taken())
            throw invalid_state_error("value taken");
        if constexpr (std::is_void_v<T>)
            return;
        else if constexpr (std::is_reference_v<T>)
            return static_cast<T>(*state_->value());
        else
            return static_cast<const T&>(state_->value());
    }

    boost::intrusive_ptr<state_type> state_;
};

} // namespace ferry

// Asio asks this of the operand of `co_await`; the answer would be no, and a list of candidates.
template <class T>
    requires ferry::detail::is_future<std::remove_cvref_t<T>>
struct boost::asio::is_async_operation<T> {
    static_assert(!ferry::detail::is_future<std::remove_cvref_t<T>>,
                  "a future is not awaited by itself: say co_await f.async_result()");
    static constexpr bool value = false;
};

template <class T>
struct std::hash<ferry::future<T>> {
    std::size_t operator()(const ferry::future<T>& f) const noexcept {
        return std::hash<void*>()(ferry::detail::access::state(f).get());
    }
};
