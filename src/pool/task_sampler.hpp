// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <ferry/detail/adaptive_mutex.hpp>

#include <atomic>
#include <cstdint>

namespace ferry::detail {

/// Decides which tasks of a pool are measured, because the clock is slow: the first 256, later one
/// of thirty-two. Of those that a busy pool measures it records the events of one of sixteen,
/// because that takes longer.
class task_sampler {
public:
    /// `lock` is the pool's.
    explicit task_sampler(adaptive_mutex& lock) noexcept : mutex_(lock) {}
    task_sampler(const task_sampler&) = delete;
    task_sampler& operator=(const task_sampler&) = delete;

    /// Whether the task that the calling thread submits is measured.
    bool measures() noexcept {
        static thread_local unsigned submitted = 0;
        return ++submitted % 32 == 0 || (left_.load(std::memory_order_relaxed) > 0 &&
                                         left_.fetch_sub(1, std::memory_order_relaxed) > 0);
    }
    /// Whether its events are recorded, too.
    bool records() noexcept {
        static thread_local unsigned measured = 0;
        return left_.load(std::memory_order_relaxed) > 0 || ++measured % 16 == 0;
    }
    /// The pool has time, and measures the next 256 again. Under the lock. At most ten times a
    /// second, so that one whose workers sleep all the time, for a moment each, does not measure
    /// all of a million. `now` is in nanoseconds.
    void measure_again(std::int64_t now) noexcept {
        mutex_.assert_held();
        if (now - again_at_ < 100'000'000)
            return;
        again_at_ = now;
        left_.store(first, std::memory_order_relaxed);
    }

private:
    static constexpr int first = 256;

    std::atomic<int> left_{first}; // how many are still measured without exception
    adaptive_mutex& mutex_;
    std::int64_t again_at_ FERRY_GUARDED_BY(mutex_) = 0;
};

} // namespace ferry::detail
