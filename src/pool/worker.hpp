// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include "idle_policy.hpp"
#include "sleepers.hpp"
#include "support/os_thread.hpp"
#include <ferry/detail/shared_state.hpp>
#include <ferry/detail/spin.hpp>
#include <ferry/stats.hpp>

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <string>
#include <typeinfo>

namespace ferry::detail {

/// What a worker has done. One writer; readers see each count by itself.
struct worker_counts {
    using counts = std::array<std::atomic<std::uint64_t>, histogram::buckets>;

    std::atomic<std::uint64_t> completed{0};
    std::atomic<std::uint64_t> failed{0};
    counts queue_wait{};
    counts run_time{};
    std::atomic<std::uint64_t> run_time_sum{0}; // of those in `run_time`, in units of 1024 ns
    std::atomic<std::uint64_t> measured{0};     // how many those are

    static void increment(std::atomic<std::uint64_t>& n, std::uint64_t by = 1) noexcept {
        n.store(n.load(std::memory_order_relaxed) + by, std::memory_order_relaxed);
    }
    static void record(counts& c, std::uint64_t units) noexcept {
        increment(c[histogram::bucket_of(std::chrono::nanoseconds(units << 10))]);
    }
    /// Adds the other's counts to these; under the lock of whoever writes these.
    void add(const worker_counts& o) noexcept {
        increment(completed, o.completed.load(std::memory_order_relaxed));
        increment(failed, o.failed.load(std::memory_order_relaxed));
        increment(run_time_sum, o.run_time_sum.load(std::memory_order_relaxed));
        increment(measured, o.measured.load(std::memory_order_relaxed));
        for (std::size_t i = 0; i < histogram::buckets; ++i) {
            increment(queue_wait[i], o.queue_wait[i].load(std::memory_order_relaxed));
            increment(run_time[i], o.run_time[i].load(std::memory_order_relaxed));
        }
    }
};

/// One thread of a pool.
///
/// `current` is what it runs, for those who ask: null when it can take the next item, `starting()` while it
/// is initialised, `busy()` for anything else without a name. Its worker sets and clears it; who wants to read the task's label
/// exchanges it for `reading()` meanwhile, and the worker waits for its return before it lets go of
/// the task.
struct alignas(64) worker : sleeper {
    worker(pool_core& c, std::size_t n) : core(c), number(n) {}

    static shared_state_base* busy() noexcept { return reinterpret_cast<shared_state_base*>(1); }
    static shared_state_base* starting() noexcept {
        return reinterpret_cast<shared_state_base*>(3);
    }
    static shared_state_base* reading() noexcept { return reinterpret_cast<shared_state_base*>(2); }

    /// True when it can take the next item, or will once it is initialised.
    bool available() const noexcept {
        const shared_state_base* const c = current.load();
        return c == nullptr || c == starting();
    }
    /// Lets go of `task`, which it runs, once nobody reads its label.
    void forget(shared_state_base& task, shared_state_base* then) noexcept;

    pool_core& core;
    const std::size_t number;

    // The worker's own.
    work_item* top = nullptr; // what the queue gave it
    unsigned items_since_sleep = 0;
    bool found = false; // something, when it last looked before a sleep
    idle_policy idle;
    adaptive_yield yield;
    worker_counts counts;    // written by the worker

    std::atomic<shared_state_base*> current{nullptr};
    std::atomic<std::int64_t> since{0}; // when it started that, coarsely, in ns

    /// Whose outcome it destroys, where that has no label; null otherwise.
    std::atomic<const std::type_info*> destroys{nullptr};

    // Guarded by the pool's lock.
    os_thread thread;
    std::size_t index = 0; // in the pool's list
    std::string destroys_label; // whose outcome it destroys, where that has one
    bool retired = false;  // it takes no items any more: it is in the list of those, and is waited for
    bool detached = false; // the same, but nobody waits for it
};

/// The worker that the calling thread is, or null.
worker* this_worker() noexcept;
void set_this_worker(worker* w) noexcept;

/// Remembers where the stack of the calling thread is, for `is_short_of_stack`.
void note_stack() noexcept;

/// Nanoseconds of the steady clock, exact to some milliseconds and cheap where the system offers it.
std::int64_t coarse_now() noexcept;
/// The steady clock in units of 1024 ns, never 0.
std::uint32_t stamp_now() noexcept;

} // namespace ferry::detail
