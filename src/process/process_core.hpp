// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <ferry/detail/adaptive_mutex.hpp>
#include <ferry/process/options.hpp>
#include <ferry/stats.hpp>

#include "dispatcher.hpp"
#include "process_figures.hpp"
#include "process_jobs.hpp"
#include "process_line.hpp"
#include "process_phase.hpp"
#include "reader_timers.hpp"
#include "start_policy.hpp"
#include "task_quarantine.hpp"
#include "wake_event.hpp"
#include "worker_factory.hpp"
#include "worker_fleet.hpp"

#include "inside/observed.hpp"

#include <array>
#include <atomic>
#include <condition_variable>
#include <memory>
#include <optional>
#include <string>
#include <thread>

namespace ferry::detail {

/// The queue, the workers and the threads of a process pool; shared by the pool, its tasks and its
/// threads.
///
/// What is decided is decided by state machines: `dispatcher` (who gets what), `worker_lifecycle`
/// and `idle_limit` (when a worker ends), `start_policy` (when to start one, and when the pool is
/// broken), `death_policy` (which task starts again) and `quarantine_book` (which never gets to).
/// This class acts.
///
/// Data flow: `submit` writes a task straight into the channel of a worker that can take it, else
/// it stays in the queue of `dispatcher_`. One thread, the reader, waits for answers, deaths,
/// standard error and time. It runs no user code: it decodes small results of types that bring
/// none, and gives all others, and callbacks, to `jobs_`. It alone starts, reaps
/// and destroys workers. What a worker says is material to check; whoever breaks the protocol is
/// killed.
///
/// Invariants:
/// - A task is in the queue, or held by one worker, or neither when it has, or is about to get, its
///   outcome. `dispatcher::is_queued` and `remote_call::at` say which. The queue and the workers
///   have a reference each to what is in them.
/// - A held task is marked as handed out (shared_state_base::offer) and can be claimed by others
///   only after it was taken back through its slot.
/// - No lock is held while user code runs: no decoding, no destructor of a value, no callback.
/// - Nothing that the reader does needs memory to go on: queue, deadlines and jobs are linked
///   through what they are about.
/// - In a child of fork() nobody takes the mutex, which may be locked forever, and nobody touches
///   what is shared with the workers, which are the parent's.
class process_core final : public call_host,
                           public observed,
                           private line_owner,
                           public std::enable_shared_from_this<process_core> {
public:
    explicit process_core(process_pool_options options);
    ~process_core();

    const process_pool_options& options() const noexcept { return options_; }

    /// No more tasks; with `cancel`, what has not started is cancelled. The number of those.
    std::size_t close(bool cancel) FERRY_EXCLUDES(mutex_);
    /// Waits until the workers have ended and the callbacks have run.
    void join() FERRY_EXCLUDES(mutex_);
    shutdown_report close_within(timeout limit) FERRY_EXCLUDES(mutex_);
    void end_workers(bool gently) FERRY_EXCLUDES(mutex_);
    void pardon_all() FERRY_EXCLUDES(mutex_);
    bool is_callback_thread() const noexcept { return jobs_.is_this_thread(); }
    bool is_forked_copy() const noexcept;
    /// In a child of fork(): the threads and the workers are the parent's.
    void abandon_after_fork();

    pool_stats stats() FERRY_EXCLUDES(mutex_);
    label_registry::figures stats_by_label() FERRY_EXCLUDES(mutex_);
    void read(all_figures& to) override FERRY_EXCLUDES(mutex_);

    // What tasks and those who submit them ask for.
    void check_open() override FERRY_EXCLUDES(mutex_);
    void check_code(const code_ref& code) const override { factory_.program().check(code); }
    segment_store& store() noexcept override { return store_; }
    void submit(remote_call_ptr c, entrance e) override FERRY_EXCLUDES(mutex_);
    void submit_all(std::span<const remote_call_ptr> calls) override FERRY_EXCLUDES(mutex_);
    void dropped(remote_call& c, bool failed) noexcept override FERRY_EXCLUDES(mutex_);
    bool revoke(remote_call& c) noexcept override FERRY_EXCLUDES(mutex_);
    bool started(const remote_call& c) const noexcept override FERRY_EXCLUDES(mutex_);
    bool ask_to_stop(remote_call& c) noexcept override FERRY_EXCLUDES(mutex_);
    bool cancel_running(remote_call& c) noexcept override FERRY_EXCLUDES(mutex_);
    void post_callbacks(remote_call& c) noexcept override { jobs_.run_callbacks(c); }

private:
    using clock = timeout::clock;
    /// What the reader waits for; in the lower bits of an event's number, the worker's id above.
    enum class source : unsigned { wake, answer, exit, standard_error };
    enum class reading { all, enough, later, broken };
    /// What is to be done with a task once the lock is gone; null error: cancelled.
    struct pending_outcome {
        remote_call_ptr task;
        std::exception_ptr error;
    };

    // Handing tasks out.
    void throw_if_forked() const;
    void fingerprint_call(remote_call& c) const noexcept;
    void note_submission(remote_call& c) noexcept FERRY_REQUIRES(mutex_);
    // May let go of the lock for a while.
    void dispatch(scoped_lock& lock) noexcept FERRY_REQUIRES(mutex_);
    void offer(remote_call& c, worker_channel& w) noexcept FERRY_REQUIRES(mutex_);
    void copy_arguments(remote_call& c, worker_channel& w, scoped_lock& lock) noexcept
        FERRY_REQUIRES(mutex_) FERRY_UNCHECKED;
    void refuse(worker_channel& w) noexcept FERRY_REQUIRES(mutex_);
    remote_call_ptr take_first() noexcept FERRY_REQUIRES(mutex_);
    remote_call_ptr revoke_held(remote_call& c) noexcept FERRY_REQUIRES(mutex_);
    worker_lifecycle::action release(remote_call& c, remote_call_ptr& task) noexcept
        FERRY_REQUIRES(mutex_);
    void requeue(remote_call_ptr c) noexcept FERRY_REQUIRES(mutex_);
    bool wants_worker() const noexcept FERRY_REQUIRES(mutex_);
    /// What the worker runs may be another task now; for readers outside.
    void note(const worker_channel& w) noexcept FERRY_REQUIRES(mutex_) {
        figures_.worker_runs(w.record, w.items.empty()
                                           ? nullptr
                                           : static_cast<const remote_call*>(&w.items.front()));
    }
    bool has_unfinished() const noexcept FERRY_REQUIRES(mutex_);
    void start_threads() FERRY_REQUIRES(mutex_);

    // Of what has not started.
    std::size_t cancel_unstarted() FERRY_EXCLUDES(mutex_);
    void refuse_quarantined() noexcept FERRY_EXCLUDES(mutex_);
    template <class F>
    void for_each_queued(F visit) FERRY_EXCLUDES(mutex_);
    template <class F>
    void for_each_held(F visit) FERRY_EXCLUDES(mutex_);

    // The line of a bounded pool.
    void turn_away(const std::exception_ptr& why) noexcept FERRY_EXCLUDES(mutex_);
    void on_claimed_in_line(shared_state_base& task) noexcept override FERRY_EXCLUDES(mutex_);
    void drop_given_up() noexcept FERRY_EXCLUDES(mutex_);

    // The reader.
    void run() noexcept;
    void handle(std::uint64_t event) noexcept;
    void watch(int file, std::uint32_t worker, source what, std::uint32_t events);
    bool start_workers() noexcept FERRY_EXCLUDES(mutex_);
    void read_answers(worker_channel& w) noexcept FERRY_EXCLUDES(mutex_);
    reading next_answers(worker_channel& w, std::size_t& count) FERRY_EXCLUDES(mutex_);
    void account(worker_channel& w, std::size_t count) noexcept FERRY_EXCLUDES(mutex_);
    void finish(answer& a) noexcept;
    void on_ready(worker_channel& w, const wire::frame& f) FERRY_EXCLUDES(mutex_);
    void on_progress(worker_channel& w, const wire::frame& f) FERRY_EXCLUDES(mutex_);
    void on_stderr(worker_channel& w) noexcept FERRY_EXCLUDES(mutex_);
    void on_exit(worker_channel& w) noexcept FERRY_EXCLUDES(mutex_);
    void reap(worker_channel& w) noexcept FERRY_EXCLUDES(mutex_);
    void start_failed(const char* why, start_policy::reason r) noexcept FERRY_EXCLUDES(mutex_);
    void mark_broken(const std::string& why) noexcept FERRY_EXCLUDES(mutex_);
    int run_timers() noexcept FERRY_EXCLUDES(mutex_);
    void on_deadline(deadline& d) noexcept FERRY_EXCLUDES(mutex_);
    void retire(worker_channel& w) noexcept FERRY_REQUIRES(mutex_);
    bool never_starts(worker_channel& w, const remote_call& c, clock::duration limit) const noexcept
        FERRY_REQUIRES(mutex_);
    bool on_run_time(worker_channel& w, deadline& d, pending_outcome& v) noexcept
        FERRY_REQUIRES(mutex_);
    void check_workers() noexcept FERRY_EXCLUDES(mutex_);
    void trim() noexcept FERRY_EXCLUDES(mutex_);
    void watch_limits() noexcept FERRY_EXCLUDES(mutex_);
    std::optional<limit_breach> breach_of(worker_channel& w) noexcept FERRY_EXCLUDES(mutex_);
    std::optional<limit_breach> breach_of(const worker_channel& w,
                                          const remote_call& c) const noexcept;
    std::exception_ptr error_of_death(worker_channel& w, remote_call& c, unsigned attempt) const;
    bool finish_if_closed() FERRY_EXCLUDES(mutex_);

    void publish_outcome(pending_outcome v) noexcept;
    bool is_reader() const noexcept { return reader_id_.load() == std::this_thread::get_id(); }

    // Constant after construction.
    const process_pool_options options_;
    const unsigned forks_;
    const bool bounded_;
    const std::uint64_t seed_; // of fingerprints
    const worker_factory factory_;
    segment_store store_;
    descriptor events_; // what the reader waits for
    wake_event wake_;   // the reader's
    process_jobs jobs_;
    std::array<answer, 64> batch_;             // the reader's
    std::atomic<std::thread::id> reader_id_{}; // for assertions

    mutable adaptive_mutex mutex_;
    std::condition_variable_any changed_; // a task or the reader ended
    dispatcher dispatcher_ FERRY_GUARDED_BY(mutex_);
    process_line line_ FERRY_GUARDED_BY(mutex_);
    start_policy starts_ FERRY_GUARDED_BY(mutex_);
    task_quarantine quarantine_ FERRY_GUARDED_BY(mutex_);
    reader_timers timers_ FERRY_GUARDED_BY(mutex_);
    worker_fleet workers_ FERRY_GUARDED_BY(mutex_);
    std::thread reader_ FERRY_GUARDED_BY(mutex_);
    std::size_t finishing_ FERRY_GUARDED_BY(mutex_) = 0; // answered, outcome not yet published
    std::size_t copying_ FERRY_GUARDED_BY(mutex_) = 0;   // taken out of the queue to be made ready
    process_phase phase_ FERRY_GUARDED_BY(mutex_);
    bool reading_ FERRY_GUARDED_BY(mutex_) = false; // there is a reader
    bool reader_ended_ FERRY_GUARDED_BY(mutex_) = false;
    process_figures figures_ FERRY_GUARDED_BY(mutex_);
};

} // namespace ferry::detail
