// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <array>
#include <bit>
#include <chrono>
#include <cstddef>
#include <cstdint>

namespace ferry {

/// Durations counted in buckets that double: bucket i holds those below `limit(i)` that the buckets
/// before it do not.
class histogram {
public:
    static constexpr std::size_t buckets = 32;

    /// 1.024 us for the first bucket, twice that for the next, and so on; the last has no end.
    static constexpr std::chrono::nanoseconds limit(std::size_t bucket) noexcept {
        return std::chrono::nanoseconds(std::int64_t(1024) << bucket);
    }

    /// The bucket that holds the duration.
    static constexpr std::size_t bucket_of(std::chrono::nanoseconds d) noexcept {
        const auto bucket = static_cast<std::size_t>(
            std::bit_width(static_cast<std::uint64_t>(d.count() > 0 ? d.count() : 0) >> 10));
        return bucket < buckets ? bucket : buckets - 1;
    }

    std::uint64_t operator[](std::size_t bucket) const { return counts_.at(bucket); }
    std::uint64_t& operator[](std::size_t bucket) { return counts_.at(bucket); }

    /// How many durations were measured.
    std::uint64_t count() const noexcept {
        std::uint64_t n = 0;
        for (const auto c : counts_)
            n += c;
        return n;
    }

    /// The upper end of the bucket that holds the given share of the durations, 0 to 1; 0 where
    /// nothing was measured.
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

private:
    std::array<std::uint64_t, buckets> counts_{};
};

/// A pool at one moment. Counts of tasks, that is, of what has a future.
struct pool_stats {
    std::size_t workers = 0; ///< started and not ended
    std::size_t idle = 0;    ///< of them, those that run nothing
    std::size_t queued = 0;  ///< not started and not cancelled
    std::size_t running = 0; ///< workers that run something
    std::uint64_t completed = 0; ///< ended with a value
    std::uint64_t failed = 0;    ///< ended with an exception
    std::uint64_t cancelled = 0; ///< cancelled before they started
    /// From `submit` to the start, and of the run. The first thousand tasks of a pool are measured,
    /// then every thirty-second that a thread submits.
    histogram queue_wait;
    histogram run_time;
};

} // namespace ferry
