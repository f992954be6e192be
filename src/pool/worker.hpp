// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include "idle_policy.hpp"
#include "inside/label_table.hpp"
#include "inside/recorder.hpp"
#include "inside/task_counts.hpp"
#include "sleepers.hpp"
#include "support/os_thread.hpp"
#include "worker_activity.hpp"

#include <ferry/detail/shared_state.hpp>
#include <ferry/detail/spin.hpp>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <string>
#include <typeinfo>

namespace ferry::detail {

class pool_core;

/// One thread of a pool.
struct alignas(64) worker : sleeper {
    worker(pool_core& c, label_registry& r, std::uint32_t pool, std::size_t n)
        : core(c), number(n), labels(r),
          record_number(recorder::instance().add_worker(pool, static_cast<std::uint32_t>(n))),
          record(record_number != 0 ? *recorder::instance().worker(record_number) : no_record) {}
    ~worker() { recorder::instance().remove_worker(record_number); }

    pool_core& core;
    const std::size_t number;

    // The worker's own.
    work_item* top = nullptr; // what the queue gave it
    bool looks = false;       // it counts as one that looks for work
    idle_policy idle;
    adaptive_yield yield;
    task_counts counts; // written by the worker
    label_table labels; // the same by label
    const std::type_info* last_type =
        nullptr; // of a task whose label is its type; the counts and the record of that
    label_counts* last_counts = nullptr;
    // Of the innermost task that it is in, while `record.label` is not 0.
    std::atomic<label_entry*> running_label{nullptr};
    const std::uint32_t record_number;
    std::uint32_t last_label = 0;
    recording::worker no_record{};
    recording::worker& record; // for readers outside

    worker_activity activity;

    // Guarded by the pool's lock.
    os_thread thread;
    std::size_t index = 0; // in the pool's list
    bool retired =
        false; // it takes no items any more: it is in the list of those, and is waited for
    bool detached = false; // the same, but nobody waits for it
};

extern constinit thread_local worker* current_worker;
/// The worker that the calling thread is, or null.
inline worker* this_worker() noexcept { return current_worker; }
void set_this_worker(worker* w) noexcept;

/// Remembers where the stack of the calling thread is, for `is_short_of_stack`.
void note_stack() noexcept;

/// A time of the steady clock for `work_item::stamp`, never 0.
inline std::uint32_t stamp_of(std::uint64_t ns, bool recorded) noexcept {
    const std::uint32_t units = static_cast<std::uint32_t>(ns >> 10) & ~1U;
    return recorded ? units | 1 : units != 0 ? units : 2;
}

} // namespace ferry::detail
