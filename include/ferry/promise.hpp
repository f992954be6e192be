// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <ferry/detail/shared_state.hpp>
#include <ferry/fwd.hpp>
#include <ferry/unhandled.hpp>

#include <concepts>
#include <stdexcept>

namespace ferry {

/// The producing end of a `future`, for authors of executors. If it is destroyed before a result is
/// set, the future fails with `broken_promise`. Movable, not copyable.
///
/// @par Executor
/// Setting the result runs the callbacks of the future in the calling thread.
///
/// @par Errors
/// `no_state_error` from every member of a promise that was moved from.
///
/// @par Lifetime
/// The promise and its futures may be destroyed in any order.
///
/// @par Thread safety
/// Distinct objects: safe. Setting the result may run concurrently with any member of the future.
///
/// @par See also
/// `std::promise`; Python's `Future.set_result`.
template <class T>
class promise {
public:
    /// Makes a promise whose future is pending.
    promise() : state_(new detail::shared_state<T>) {}

    /// Takes over the future of `other`, which then has no state.
    promise(promise&& other) noexcept
        : state_(std::move(other.state_)), given_(std::exchange(other.given_, false)) {}

    /// Fails an unfinished future with `broken_promise`, then takes over that of `other`.
    promise& operator=(promise&& other) noexcept {
        if (this != &other) {
            abandon();
            state_ = std::move(other.state_);
            given_ = std::exchange(other.given_, false);
        }
        return *this;
    }
    ~promise() { abandon(); }

    /// Returns the future; may be called once. Throws `invalid_state_error` at the second call.
    future<T> get_future() {
        auto& s = state();
        if (std::exchange(given_, true))
            throw invalid_state_error("the promise's future was already retrieved");
        return future<T>(boost::intrusive_ptr<detail::shared_state<T>>(&s));
    }

    /// Stores the value, wakes the waiters and runs the callbacks of the future.
    ///
    /// @par Errors
    /// `invalid_state_error`, which names the state, if the future already has a result.
    ///
    /// @par Exception safety
    /// If constructing the value throws, that exception becomes the result of the future.
    template <class U>
        requires(!std::is_void_v<T> && std::convertible_to<U &&, T>)
    void set_value(U&& u) {
        auto& s = claim();
        try {
            s.store_result([&]() -> T { return std::forward<U>(u); });
        } catch (...) {
            s.fail_claimed(std::current_exception());
            return;
        }
        s.publish(detail::status::value);
    }

    /// Completes a `future<void>`, wakes the waiters and runs the callbacks of the future. Throws
    /// `invalid_state_error`, which names the state, if the future already has a result.
    void set_value()
        requires std::is_void_v<T>
    {
        auto& s = claim();
        s.store_result([] {});
        s.publish(detail::status::value);
    }

    /// Stores an exception, wakes the waiters and runs the callbacks of the future.
    ///
    /// @par Errors
    /// `std::invalid_argument` for a null pointer, which leaves the state unchanged;
    /// `invalid_state_error`, which names the state, if the future already has a result.
    void set_exception(std::exception_ptr error) {
        if (!error)
            throw std::invalid_argument("promise::set_exception: the exception is null");
        claim().fail_claimed(std::move(error));
    }

    /// Moves a pending future to running and returns true, or returns false if it was cancelled.
    /// Once it has returned true, the future can no longer be cancelled. Throws
    /// `invalid_state_error` if the future is running or finished.
    bool set_running_or_notify_cancel() {
        auto& s = state();
        if (s.try_start())
            return true;
        if (s.was_cancelled())
            return false;
        throw invalid_state_error("set_running_or_notify_cancel: the future is " + s.name());
    }

private:
    detail::shared_state<T>& state() const {
        if (!state_)
            throw no_state_error("the promise has no state");
        return *state_;
    }
    detail::shared_state<T>& claim() {
        auto& s = state();
        if (!s.claim(true))
            throw invalid_state_error("the outcome is already set: the future is " + s.name());
        return s;
    }
    void abandon() noexcept {
        if (state_)
            state_->fail(
                detail::make_error<broken_promise>("the promise was destroyed without an outcome"));
        state_.reset();
    }

    boost::intrusive_ptr<detail::shared_state<T>> state_;
    bool given_ = false;
};

} // namespace ferry
