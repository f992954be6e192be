// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <ferry/thread_pool.hpp>

#include "bounded_entry.hpp"
#include "inside/observed.hpp"
#include "pool_shutdown.hpp"
#include "pool_state.hpp"
#include "staffing.hpp"
#include "submission.hpp"

#include <memory>

namespace ferry::detail {

/// A pool, shared by its owner and each of its threads: the state, and those who act on it.
///
/// `submission` is how work comes into the queue, through `bounded_entry` in a bounded pool;
/// `staffing` wakes and starts workers, `worker_life` is what a worker does, `pool_shutdown` ends
/// them. A submitting thread pushes into the queue and wakes a worker only if one sleeps and none is
/// on its way. Workers take one item at a time, under the mutex.
class pool_core final : public task_owner,
                        public observed,
                        public std::enable_shared_from_this<pool_core> {
public:
    explicit pool_core(thread_pool_options options);
    ~pool_core() override;

    pool_state& state() noexcept { return pool_; }
    const thread_pool_options& options() const noexcept { return pool_.options; }
    bool is_bounded() const noexcept { return pool_.line.is_bounded(); }
    bool is_forked_copy() const noexcept { return pool_.is_forked_copy(); }

    submission& entry() noexcept { return submission_; }
    bounded_entry& line_entry() noexcept { return bounded_entry_; }
    staffing& staff() noexcept { return staffing_; }
    pool_shutdown& shutdown() noexcept { return shutdown_; }

    /// Drops what is left in the queue once nobody takes it any more.
    void drop_rest() noexcept FERRY_EXCLUDES(pool_.mutex);
    /// In a child of fork(): the threads are not there.
    void abandon_after_fork() noexcept;

    /// One of its workers is about to destroy the outcome of `task`, which it alone holds.
    void destroys_outcome(worker& w, shared_state_base& task, const std::type_info& type) noexcept
        FERRY_EXCLUDES(pool_.mutex);

    void on_task_claimed(shared_state_base& task, bool cancelled, bool in_line) noexcept override
        FERRY_EXCLUDES(pool_.mutex);
    void on_claimed_task_removed(shared_state_base& task) noexcept override;
    void on_expiry_started(task_extra& t) noexcept override FERRY_EXCLUDES(pool_.mutex);
    void on_expiry_finished(task_extra& t) noexcept override FERRY_EXCLUDES(pool_.mutex);
    void read(all_figures& to) override FERRY_EXCLUDES(pool_.mutex);

private:
    pool_state pool_;
    pool_shutdown shutdown_;
    staffing staffing_;
    bounded_entry bounded_entry_;
    submission submission_;
};

/// True when the calling thread is a worker of the pool, or runs a callback of one of its tasks.
bool is_own_thread_of(const pool_core& core) noexcept;

} // namespace ferry::detail
