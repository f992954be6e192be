// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <ferry/detail/adaptive_mutex.hpp>
#include <ferry/thread_pool.hpp>

#include "bounded_entry.hpp"
#include "external_work.hpp"
#include "inside/observed.hpp"
#include "pool_record.hpp"
#include "pool_shutdown.hpp"
#include "sleepers.hpp"
#include "staffing.hpp"
#include "support/fork_count.hpp"
#include "task_queue.hpp"
#include "waiting_line.hpp"
#include "worker_set.hpp"

#include <atomic>
#include <memory>
#include <span>
#include <utility>

namespace ferry::detail {

/// What ties the parts of a pool together, under their one mutex; shared by the pool and each of
/// its threads.
///
/// What waits is in `task_queue`; in a bounded pool it comes there through `bounded_entry` and the
/// `waiting_line`. Who works is in `worker_set`, and who of them sleeps in `sleepers`;
/// `worker_life` is what a worker does, `staffing` wakes and starts workers, `pool_shutdown` ends
/// them. `external_work` is what comes through other executors, `pool_record` what is counted.
///
/// A submitting thread pushes into the queue and wakes a worker only if one sleeps and none is on
/// its way. Workers take one item at a time, under `mutex_`.
///
/// Invariants:
/// - No lock is held while user code runs.
/// - A push looks at `closed_` before and after. What was pushed nevertheless is taken by a worker
///   that has not ended, because that looks at the queue after `closed_`; else it is taken back.
///   Both looks, the push and the store are sequentially consistent.
class pool_core final : public task_owner,
                        public observed,
                        public std::enable_shared_from_this<pool_core> {
public:
    explicit pool_core(thread_pool_options options);
    ~pool_core() override;

    const thread_pool_options& options() const noexcept { return options_; }

    /// Queues a task, or lets it stand in line for the queue; or throws and does neither.
    void push(shared_state_base& r, entrance e) FERRY_EXCLUDES(mutex_);
    /// Queues tasks without a priority that nobody else knows yet, and shares ownership; or throws
    /// and queues none.
    void push_all(std::span<shared_state_base* const> tasks) FERRY_EXCLUDES(mutex_);
    /// Queues a function without a future; drops it after shutdown.
    void post(work_item& r) noexcept FERRY_EXCLUDES(mutex_);

    bool closed() const noexcept { return closed_.load(); }
    pool_shutdown& shutdown() noexcept { return shutdown_; }
    /// Drops what is left in the queue once nobody takes it any more.
    void drop_rest() noexcept FERRY_EXCLUDES(mutex_);
    /// In a child of fork(): the threads are not there.
    void abandon_after_fork() noexcept FERRY_EXCLUDES(mutex_);
    bool is_forked_copy() const noexcept { return forks_ != fork_count(); }

    pool_stats stats() FERRY_EXCLUDES(mutex_);
    label_registry::figures stats_by_label() FERRY_EXCLUDES(mutex_);
    void read(all_figures& to) override FERRY_EXCLUDES(mutex_);
    pool_record& record() noexcept { return record_; }

    void on_task_claimed(shared_state_base& task, bool cancelled, bool in_line) noexcept override
        FERRY_EXCLUDES(mutex_);
    void on_claimed_task_removed(shared_state_base& task) noexcept override;

    void on_expiry_started(task_extra& t) noexcept override FERRY_EXCLUDES(mutex_);
    void on_expiry_finished(task_extra& t) noexcept override FERRY_EXCLUDES(mutex_);

    /// One of its workers is about to destroy the outcome of `task`, which it alone holds.
    void destroys_outcome(worker& w, shared_state_base& task, const std::type_info& type) noexcept
        FERRY_EXCLUDES(mutex_);
    /// One of its workers is about to publish an outcome, and then looks for the next item.
    void will_look(worker& w) noexcept {
        if ((sleepers_.count() != 0 || workers_.is_below_limit()) && !queue_.may_have_items())
            begin_to_look(w);
    }
    staffing& staff() noexcept { return staffing_; }

    /// Counts a task that reaches this pool through another executor, a strand for instance. Until
    /// `on_work_finished` the workers stay, and what is posted is accepted after shutdown, so that
    /// it still runs. False after shutdown.
    bool on_work_started(shared_state_base& t) FERRY_EXCLUDES(mutex_);
    /// An external task is about to start, or to be dropped.
    void on_external_left(shared_state_base& t) noexcept FERRY_EXCLUDES(mutex_);
    void on_work_finished(shared_state_base& t) FERRY_EXCLUDES(mutex_);

    /// Whether `max_queue` or one of the other bounds is set.
    bool is_bounded() const noexcept { return line_.is_bounded(); }
    bounded_entry& entry() noexcept { return entry_; }

private:
    friend class bounded_entry;
    friend class pool_shutdown;
    friend class staffing;
    friend class worker_life;

    bool revoke(const work_item& r) noexcept FERRY_EXCLUDES(mutex_);
    /// Throws only where `undo` is given, and then nothing is queued.
    void after_push(work_item* undo) FERRY_EXCLUDES(mutex_) {
        if (!sleepers_.somebody_spins() && (workers_.is_below_limit() || sleepers_.count() != 0))
            staffing_.call_worker(undo);
    }

    /// The worker counts as one that looks for work: nobody else is woken for what is pushed.
    void begin_to_look(worker& w) noexcept {
        if (!std::exchange(w.looks, true))
            sleepers_.begin_to_look();
    }
    /// It does no more, and looks at the queue after that.
    void end_looking(worker& w) noexcept {
        if (std::exchange(w.looks, false))
            sleepers_.end_looking();
    }

    const thread_pool_options options_; // constant after construction
    const unsigned forks_ = fork_count();
    pool_record record_;
    task_queue queue_;
    // One line up to the two counts at the front of `workers_`: what each push reads, and what
    // changes only when a worker sleeps, wakes, starts or ends.
    alignas(64) std::atomic<bool> closed_{false};
    sleepers sleepers_{mutex_};
    worker_set workers_;
    waiting_line line_;
    external_work external_{mutex_, record_.shown()};

    alignas(64) adaptive_mutex mutex_;
    pool_shutdown shutdown_;
    staffing staffing_;
    bounded_entry entry_;
};

/// True when the calling thread is a worker of the pool, or runs a callback of one of its tasks.
bool is_own_thread_of(const pool_core& core) noexcept;

} // namespace ferry::detail
