// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <array>
#include <bit>
#include <chrono>
#include <cstddef>
#include <cstdint>

namespace ferry {

/// A histogram of durations with exponentially growing buckets: bucket `i` counts durations in
/// [`limit(i-1)`, `limit(i)`), the first one from 0 on.
///
/// @par Thread safety
/// Distinct objects: safe. Shared objects: unsafe.
class histogram {
public:
    /// Number of buckets.
    static constexpr std::size_t buckets = 32;

    /// Upper end of a bucket: 1.024 us for the first, doubled for each next one. The last bucket
    /// also counts everything beyond.
    static constexpr std::chrono::nanoseconds limit(std::size_t bucket) noexcept {
        return std::chrono::nanoseconds(std::int64_t(1024) << bucket);
    }

    /// Returns the index of the bucket that counts `d`.
    static constexpr std::size_t bucket_of(std::chrono::nanoseconds d) noexcept {
        const auto bucket = static_cast<std::size_t>(
            std::bit_width(static_cast<std::uint64_t>(d.count() > 0 ? d.count() : 0) >> 10));
        return bucket < buckets ? bucket : buckets - 1;
    }

    /// Returns the count of a bucket. Throws `std::out_of_range`.
    std::uint64_t operator[](std::size_t bucket) const { return counts_.at(bucket); }

    /// Returns the count of a bucket, to change it. Throws `std::out_of_range`.
    std::uint64_t& operator[](std::size_t bucket) { return counts_.at(bucket); }

    /// Returns the number of durations.
    std::uint64_t count() const noexcept {
        std::uint64_t n = 0;
        for (const auto c : counts_)
            n += c;
        return n;
    }

    /// Returns the upper end of the bucket that contains the given quantile, in the range [0, 1]; 0
    /// if nothing was measured.
    std::chrono::nanoseconds quantile(double share) const noexcept {
        const std::uint64_t n = count();
        std::uint64_t seen = 0;
        for (std::size_t i = 0; i < buckets; ++i) {
            seen += counts_[i];
            if (n != 0 && static_cast<double>(seen) >= share * static_cast<double>(n) && seen != 0)
                return limit(i);
        }
        return {};
    }

    /// Returns the sum of the durations, to 1.024 us for each of them.
    std::chrono::nanoseconds sum() const noexcept { return sum_; }

    /// Adds to the sum, without counting a duration.
    void add_to_sum(std::chrono::nanoseconds d) noexcept { sum_ += d; }

    /// Adds the durations of another histogram.
    void add(const histogram& other) noexcept {
        for (std::size_t i = 0; i < buckets; ++i)
            counts_[i] += other.counts_[i];
        sum_ += other.sum_;
    }

private:
    std::array<std::uint64_t, buckets> counts_{};
    std::chrono::nanoseconds sum_{};
};

/// A snapshot of a pool. The counts refer to tasks (work with a future), not to posted functions;
/// `workers`, `idle` and `running` count workers.
struct pool_stats {
    std::size_t workers = 0;     ///< workers that have started and not ended
    std::size_t idle = 0;        ///< workers that run nothing
    std::size_t queued = 0;      ///< tasks that are neither started nor cancelled
    std::size_t running = 0;     ///< workers that run a task or a function
    std::uint64_t completed = 0; ///< tasks that ended with a value
    std::uint64_t failed = 0;    ///< tasks that ended with an exception
    std::uint64_t cancelled = 0; ///< tasks that were cancelled
    /// Time from `submit` to start. Sampled in a thread pool: its first 256 tasks, then every 32nd
    /// task submitted by a thread. A process pool measures every task.
    histogram queue_wait;
    /// Time from start to end of the tasks in `queue_wait`.
    histogram run_time;
};

} // namespace ferry
