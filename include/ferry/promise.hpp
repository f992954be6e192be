// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <ferry/detail/shared_state.hpp>
#include <ferry/fwd.hpp>
#include <ferry/unhandled.hpp>

#include <concepts>
#include <stdexcept>

namespace ferry {

/// The producing side of a `future`, for people who write executors. Destroyed without an outcome
/// it completes its future with `broken_promise`. Movable, not copyable.
/// Thread safety: distinct objects safe; setting an outcome is safe against all of the future.
/// Errors: `no_state_error` when moved from.
template <class T>
class promise {
public:
    promise() : state_(new detail::shared_state<T>) {}
    promise(promise&& other) noexcept
        : state_(std::move(other.state_)), given_(std::exchange(other.given_, false)) {}
    promise& operator=(promise&& other) noexcept {
        if (this != &other) {
            abandon();
            state_ = std::move(other.state_);
            given_ = std::exchange(other.given_, false);
        }
        return *this;
    }
    ~promise() { abandon(); }

    /// The future; once. Errors: `invalid_state_error` at the second call.
    future<T> get_future() {
        auto& s = state();
        if (std::exchange(given_, true))
            throw invalid_state_error("the promise's future was already retrieved");
        return future<T>(boost::intrusive_ptr<detail::shared_state<T>>(&s));
    }

    /// Stores the value. If constructing it throws, that exception becomes the outcome.
    /// Errors: `invalid_state_error` naming the state when there is an outcome already.
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

    void set_value()
        requires std::is_void_v<T>
    {
        auto& s = claim();
        s.store_result([] {});
        s.publish(detail::status::value);
    }

    /// Stores an exception. Errors: `std::invalid_argument` for a null pointer, state unchanged;
    /// `invalid_state_error` when there is an outcome already.
    void set_exception(std::exception_ptr error) {
        if (!error)
            throw std::invalid_argument("promise::set_exception: the exception is null");
        claim().fail_claimed(std::move(error));
    }

    /// Marks it running. False when it was cancelled; true once, when pending.
    /// Errors: `invalid_state_error` otherwise.
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
            state_->fail(detail::make_error<broken_promise>("the promise was destroyed without an outcome"));
        state_.reset();
    }

    boost::intrusive_ptr<detail::shared_state<T>> state_;
    bool given_ = false;
};

} // namespace ferry
