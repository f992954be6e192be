// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <algorithm>
#include <chrono>

namespace ferry::detail {

/// Decides when a loop is late: a state machine that takes the time as an argument and does nothing
/// by itself. It is asked once in each `period`.
///
/// Only time in which it was asked counts: a machine that was suspended and a process that was
/// stopped do not ask, and neither do they run the loop.
class loop_lateness {
public:
    using clock = std::chrono::steady_clock;
    enum class action {
        post, ///< nothing is pending: post the next function
        wait, ///< what is pending is not late
        look  ///< what is pending is late, if a thread is inside of the loop
    };

    explicit loop_lateness(clock::duration limit) noexcept : limit_(limit) {}

    /// How long to wait before it is asked again.
    clock::duration period() const noexcept {
        return std::max(limit_ / 2 + limit_ % 2, clock::duration(1));
    }

    /// `pending`: what was posted has not run.
    action ask(clock::time_point now, bool pending) noexcept {
        const auto passed = now - last_;
        last_ = now;
        if (!pending) {
            age_ = {};
            return action::post;
        }
        if (passed <=
            period() + std::max<clock::duration>(period(), std::chrono::milliseconds(100)))
            age_ += passed;
        return age_ >= limit_ ? action::look : action::wait;
    }

    /// How long the pending function has waited, as far as it counts.
    clock::duration age() const noexcept { return age_; }

private:
    const clock::duration limit_;
    clock::time_point last_{};
    clock::duration age_{};
};

} // namespace ferry::detail
