// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <ferry/detail/adaptive_mutex.hpp>
#include <ferry/process/options.hpp>

#include "dispatcher.hpp"
#include "process_figures.hpp"
#include "process_jobs.hpp"
#include "process_line.hpp"
#include "process_phase.hpp"
#include "reader_timers.hpp"
#include "task_quarantine.hpp"
#include "thread_mark.hpp"
#include "wake_event.hpp"
#include "worker_factory.hpp"
#include "worker_fleet.hpp"

#include <condition_variable>
#include <cstddef>

namespace ferry::detail {

/// What the threads of a process pool share, under one mutex: its tasks and its workers; and the
/// steps of a task from the queue to a worker, and back.
///
/// What is decided is decided by the state machines among the members: `dispatcher` (who gets
/// what), `process_line` (who may enter), `process_phase` (whether anything starts),
/// `task_quarantine` (what never does). This class acts on what they say.
///
/// Invariants:
/// - A task is in the queue, or held by one worker, or neither when it is being made ready, or has,
///   or is about to get, its outcome. `dispatch_queue::contains` and `remote_call::at` say which. The
///   queue and the workers have a reference each to what is in them.
/// - A held task is marked as handed out (shared_state_base::offer) and can be claimed by others
///   only after it was taken back through its slot.
/// - No lock is held while user code runs: no decoding, no destructor of a value, no callback.
/// - Nothing that is done here needs memory to go on: queue, deadlines and jobs are linked through
///   what they are about.
class process_state {
public:
    explicit process_state(process_pool_options o);
    process_state(const process_state&) = delete;
    process_state& operator=(const process_state&) = delete;

    /// Hands out what can be; may let go of the lock for a while.
    void dispatch(scoped_lock& lock) noexcept FERRY_REQUIRES(mutex);
    /// Takes the first one out of the queue; null if there is none.
    remote_call_ptr take_first() noexcept FERRY_REQUIRES(mutex);
    /// Takes a task from its worker, unless that has started it.
    remote_call_ptr revoke(remote_call& c) noexcept FERRY_REQUIRES(mutex);
    /// Takes a task from its worker, where it was answered or the worker has ended. The caller does
    /// what follows for the worker.
    worker_lifecycle::action release(remote_call& c, remote_call_ptr& task) noexcept
        FERRY_REQUIRES(mutex);
    /// Puts a task that was taken from its worker to its place in the queue.
    void requeue(remote_call_ptr c) noexcept FERRY_REQUIRES(mutex);
    /// The worker does not start what else it was given.
    void retire(worker_channel& w) noexcept FERRY_REQUIRES(mutex);
    /// Tasks are neither in the queue nor with a worker, and have no outcome yet; or have it now.
    void add_between(std::size_t n) noexcept FERRY_REQUIRES(mutex) { between_ += n; }
    void remove_between(std::size_t n) noexcept FERRY_REQUIRES(mutex);
    bool has_unfinished() const noexcept FERRY_REQUIRES(mutex);
    /// Whether the reader is to start a worker now.
    bool wants_worker() const noexcept FERRY_REQUIRES(mutex);

    /// The worker with the next number, or null: for a walk of the reader, whose steps are without
    /// the mutex.
    worker_channel* worker_after(std::uint32_t id) noexcept FERRY_EXCLUDES(mutex);
    /// Drops the line's shares of what has left it.
    void drop_given_up() noexcept FERRY_EXCLUDES(mutex);
    /// Tells everybody who stands in the line that the pool takes nothing any more.
    void turn_away(const std::exception_ptr& why) noexcept FERRY_EXCLUDES(mutex);
    /// Publishes the outcome of a task whose worker will not answer it; a null error means that it
    /// was cancelled.
    void publish(remote_call_ptr c, std::exception_ptr error) noexcept FERRY_EXCLUDES(mutex);

    // Constant.
    const process_pool_options options;
    const bool bounded;
    const worker_factory factory;

    // Safe for every thread.
    segment_store store;
    wake_event wake; ///< the reader's
    process_jobs jobs;
    thread_mark reader; ///< which alone starts, reaps and destroys workers

    mutable adaptive_mutex mutex;
    std::condition_variable_any changed; ///< a task or the reader ended
    dispatcher dispatching FERRY_GUARDED_BY(mutex);
    process_line line FERRY_GUARDED_BY(mutex); ///< of a bounded pool
    task_quarantine quarantine FERRY_GUARDED_BY(mutex);
    reader_timers timers FERRY_GUARDED_BY(mutex);
    worker_fleet workers FERRY_GUARDED_BY(mutex);
    process_phase phase FERRY_GUARDED_BY(mutex);
    process_figures figures FERRY_GUARDED_BY(mutex);

private:
    void offer(remote_call& c, worker_channel& w) noexcept FERRY_REQUIRES(mutex);
    void copy_arguments(remote_call& c, worker_channel& w, scoped_lock& lock) noexcept
        FERRY_REQUIRES(mutex) FERRY_UNCHECKED;
    void refuse(worker_channel& w) noexcept FERRY_REQUIRES(mutex);
    /// What the worker runs may be another task now; for readers outside.
    void note(const worker_channel& w) noexcept FERRY_REQUIRES(mutex);

    std::size_t between_ FERRY_GUARDED_BY(mutex) = 0;
};

/// Which worker has the arguments mapped, or 0.
std::uint32_t owner_of(const payload& arguments) noexcept;

} // namespace ferry::detail
