// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include "admission.hpp"
#include "breakage.hpp"
#include "ended_threads.hpp"
#include "expiring_tasks.hpp"

#include <ferry/detail/adaptive_mutex.hpp>
#include <ferry/thread_pool.hpp>

#include <condition_variable>
#include <exception>
#include <string>
#include <vector>

namespace ferry::detail {

class pool_core;
struct pool_state;

/// How a pool ends, and what it waits for until then: its threads, the work that its external tasks
/// have started, and the user code of expired tasks.
///
/// Invariant: whatever makes one of these come to its end, in a closed pool, calls `notify` under
/// the pool's lock after that.
class pool_shutdown {
public:
    explicit pool_shutdown(pool_core& core);
    pool_shutdown(const pool_shutdown&) = delete;
    pool_shutdown& operator=(const pool_shutdown&) = delete;

    // ---- Without the lock.

    /// No more tasks; with `cancel` what has not started is cancelled.
    void close(bool cancel);
    /// The same, since no thread can be initialised: whatever is there fails.
    void mark_broken(std::string why) noexcept;
    /// Throws what says why nothing is accepted any more.
    [[noreturn]] void throw_closed();
    /// Waits for every thread but the calling one, which is detached.
    void join();
    shutdown_report close_within(timeout limit);

    void on_expiry_started(task_extra& t) noexcept;
    void on_expiry_finished(task_extra& t) noexcept;

    // ---- Under the lock.

    /// What the end waits for may be over.
    void notify() noexcept { changed_.notify_all(); }
    ended_threads& threads() noexcept { return threads_; }

private:
    void turn_away(const std::vector<admission::place>& all) noexcept;
    std::exception_ptr closed_error() noexcept;

    pool_core& core_;
    pool_state& pool_;
    adaptive_mutex& mutex_; // the pool's
    std::condition_variable_any changed_;
    ended_threads threads_;
    expiring_tasks expiring_;
    breakage<broken_thread_pool> broken_ FERRY_GUARDED_BY(mutex_);
};

} // namespace ferry::detail
