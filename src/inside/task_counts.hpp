// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <ferry/stats.hpp>

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>

namespace ferry::detail {

/// How many tasks ended, and how long they took. One writer; readers see each count by itself.
struct task_counts {
    using count = std::atomic<std::uint64_t>;
    struct durations {
        std::array<count, histogram::buckets> in{};
        count sum{0}; // in units of 1024 ns

        void record(std::uint64_t units) noexcept {
            increment(in[histogram::bucket_of(std::chrono::nanoseconds(units << 10))]);
            increment(sum, units);
        }
        void add_to(histogram& h) const noexcept {
            for (std::size_t i = 0; i < histogram::buckets; ++i)
                h[i] += in[i].load(std::memory_order_relaxed);
            h.add_to_sum(std::chrono::nanoseconds(sum.load(std::memory_order_relaxed) << 10));
        }
        void add(const durations& o) noexcept {
            for (std::size_t i = 0; i < histogram::buckets; ++i)
                increment(in[i], o.in[i].load(std::memory_order_relaxed));
            increment(sum, o.sum.load(std::memory_order_relaxed));
        }
    };

    count completed{0};
    count failed{0};
    durations queue_wait;
    durations run_time;

    static void increment(count& n, std::uint64_t by = 1) noexcept {
        n.store(n.load(std::memory_order_relaxed) + by, std::memory_order_relaxed);
    }
    /// Adds the other's counts to these; for the writer.
    void add(const task_counts& o) noexcept {
        increment(completed, o.completed.load(std::memory_order_relaxed));
        increment(failed, o.failed.load(std::memory_order_relaxed));
        queue_wait.add(o.queue_wait);
        run_time.add(o.run_time);
    }
    void add_to(pool_stats& s) const noexcept {
        s.completed += completed.load(std::memory_order_relaxed);
        s.failed += failed.load(std::memory_order_relaxed);
        queue_wait.add_to(s.queue_wait);
        run_time.add_to(s.run_time);
    }
};

} // namespace ferry::detail
