// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <ferry/detail/spin.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>

namespace ferry::detail {

/// How long it takes from the call of a sleeping thread until it runs on another processor: about
/// the median of what was noted lately. Any thread notes and asks; a note may get lost.
class wake_up_estimate {
public:
    static constexpr std::chrono::nanoseconds shortest = std::chrono::microseconds(1);
    static constexpr std::chrono::nanoseconds longest = std::chrono::microseconds(100);

    std::chrono::nanoseconds get() const noexcept {
        return std::chrono::nanoseconds(value_.load(std::memory_order_relaxed));
    }
    void note(std::chrono::nanoseconds taken) noexcept {
        const std::chrono::nanoseconds now = get();
        const std::chrono::nanoseconds next = taken < now ? now - now / 8 : now + now / 8;
        value_.store(std::clamp(next, shortest, longest).count(), std::memory_order_relaxed);
    }
    /// The one that all threads of the process share.
    static wake_up_estimate& shared() noexcept {
        static constinit wake_up_estimate all;
        return all;
    }

private:
    std::atomic<std::chrono::nanoseconds::rep> value_{20'000};
};

/// The call of a sleeping thread: when, and from where.
class wake_call {
public:
    static wake_call now() noexcept {
        wake_call c;
        c.at_ = std::chrono::steady_clock::now();
        c.from_ = this_processor();
        return c;
    }
    /// The calling thread was woken by it, and runs.
    void answered() const noexcept {
        if (from_ != this_processor())
            wake_up_estimate::shared().note(std::chrono::steady_clock::now() - at_);
    }

private:
    std::chrono::steady_clock::time_point at_;
    int from_ = 0;
};

} // namespace ferry::detail
