// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <ferry/detail/short_mutex.hpp>
#include <ferry/process/options.hpp>
#include <ferry/process/task.hpp>
#include <ferry/stats.hpp>

#include "callback_thread.hpp"
#include "worker_link.hpp"

#include <atomic>
#include <condition_variable>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

namespace ferry::detail {

/// The queue, the workers and the threads of a process pool; shared by the pool, its tasks and its
/// threads.
///
/// Data flow: `submit` writes a task straight into the channel of a worker that can take it, else
/// it stays in `queue_`. One thread, the reader, waits for answers, deaths, standard error and
/// time: it decodes small results itself and gives large ones, and futures with callbacks, to the
/// callback thread. It alone starts, reaps and destroys workers.
///
/// Invariants:
/// - A task is in `queue_`, or held by one worker, or neither when it has, or is about to get, its
///   outcome. `remote_call::at` and `queued` say which.
/// - A held task is marked as handed out (shared_state_base::hand_out) and can be claimed by others
///   only after it was taken back through its slot.
/// - No lock is held while user code runs: no decoding, no destructor of a value, no callback.
class process_core : public std::enable_shared_from_this<process_core> {
public:
    explicit process_core(process_pool_options options);
    ~process_core();

    const process_pool_options& options() const noexcept { return options_; }
    segment_store& store() noexcept { return store_; }

    void submit(held_call c) FERRY_EXCLUDES(mutex_);
    void throw_if_closed() FERRY_EXCLUDES(mutex_);

    /// No more tasks; with `cancel`, what has not started is cancelled. The number of those.
    std::size_t close(bool cancel) FERRY_EXCLUDES(mutex_);
    /// Waits until the workers have ended and the callbacks have run.
    void join() FERRY_EXCLUDES(mutex_);
    shutdown_report close_within(timeout limit) FERRY_EXCLUDES(mutex_);
    void end_workers(bool gently) FERRY_EXCLUDES(mutex_);
    bool is_callback_thread() const noexcept { return callbacks_.is_this_thread(); }
    bool is_forked_copy() const noexcept;
    /// In a child of fork(): the threads and the workers are the parent's.
    void forsake();

    pool_stats stats() FERRY_EXCLUDES(mutex_);

    // What tasks tell.
    void dropped(remote_call& c, bool expired) noexcept FERRY_EXCLUDES(mutex_);
    bool take_back(remote_call& c) noexcept FERRY_EXCLUDES(mutex_);
    bool started(const remote_call& c) const noexcept FERRY_EXCLUDES(mutex_);
    bool ask_to_stop(remote_call& c) noexcept FERRY_EXCLUDES(mutex_);
    bool cancel_running(remote_call& c) noexcept FERRY_EXCLUDES(mutex_);
    void run_callbacks_later(remote_call& c);

private:
    using clock = timeout::clock;
    using queue_key = std::pair<std::int64_t, std::uint64_t>; // falling priority, place

    struct timer {
        enum class purpose { grace, run_time, stop_grace, standard_error } what;
        std::uint32_t worker;
        std::uint64_t task;
        std::uint16_t slot;
    };
    struct answer;
    /// What is to be done with a task once the lock is gone.
    struct verdict {
        held_call task;
        std::exception_ptr error; // null: cancelled
    };

    static queue_key key_of(remote_call& c) noexcept {
        return {-static_cast<std::int64_t>(c.state().priority), c.place};
    }

    // The queue and who gets what.
    void check_open() const FERRY_REQUIRES(mutex_);
    void dispatch() FERRY_REQUIRES(mutex_);
    bool dispatch_queue() FERRY_REQUIRES(mutex_);
    worker_link* pick() noexcept FERRY_REQUIRES(mutex_);
    void steal() FERRY_REQUIRES(mutex_);
    void requeue(held_call c) FERRY_REQUIRES(mutex_);
    bool wants_worker() const noexcept FERRY_REQUIRES(mutex_);
    worker_link* find(std::uint32_t id) noexcept FERRY_REQUIRES(mutex_);
    bool has_unfinished() const noexcept FERRY_REQUIRES(mutex_);
    void start_reader() FERRY_REQUIRES(mutex_);
    void wake_reader() noexcept;

    // The reader.
    void run();
    void watch(int file, std::uint32_t worker, unsigned what, std::uint32_t events);
    bool start_workers() FERRY_EXCLUDES(mutex_);
    void read_answers(worker_link& w) FERRY_EXCLUDES(mutex_);
    bool next_answers(worker_link& w, std::vector<answer>& batch) FERRY_EXCLUDES(mutex_);
    void account(worker_link& w, std::vector<answer>& batch) FERRY_EXCLUDES(mutex_);
    void finish(worker_link& w, answer& a);
    void on_ready(worker_link& w, const answer& a) FERRY_EXCLUDES(mutex_);
    void on_stderr(worker_link& w) FERRY_EXCLUDES(mutex_);
    void on_exit(worker_link& w) FERRY_EXCLUDES(mutex_);
    void start_failed(const std::string& why) FERRY_EXCLUDES(mutex_);
    void break_pool(const std::string& why) FERRY_EXCLUDES(mutex_);
    int run_timers() FERRY_EXCLUDES(mutex_);
    void on_timer(const timer& t, std::vector<verdict>& verdicts) FERRY_REQUIRES(mutex_);
    void on_run_time(worker_link& w, const timer& t, std::vector<verdict>& verdicts)
        FERRY_REQUIRES(mutex_);
    bool finish_if_closed() FERRY_EXCLUDES(mutex_);

    void act(worker_link& w, worker_lifecycle::action a) FERRY_REQUIRES(mutex_);
    void arm(clock::time_point at, timer t) FERRY_REQUIRES(mutex_);
    void arm_grace(const timer& t) FERRY_REQUIRES(mutex_);
    bool condemn(worker_link& w, std::uint16_t slot, std::uint64_t task) FERRY_REQUIRES(mutex_);
    static void pass(std::vector<verdict>& verdicts);

    // Constant after construction.
    const process_pool_options options_;
    const int process_;
    const int depth_;
    const scheduling how_scheduled_; // of the thread that made the pool: its workers run so
    segment_store store_;
    payload initializer_;
    descriptor events_; // what the reader waits for
    descriptor wake_;

    std::atomic<bool> woken_{false}; // a wake-up of the reader is on its way
    callback_thread callbacks_;

    mutable short_mutex mutex_;
    std::condition_variable_any changed_; // a task or the reader ended
    std::map<queue_key, held_call> queue_ FERRY_GUARDED_BY(mutex_);
    std::map<std::uint32_t, std::unique_ptr<worker_link>> workers_ FERRY_GUARDED_BY(mutex_);
    std::multimap<clock::time_point, timer> timers_ FERRY_GUARDED_BY(mutex_);
    std::thread reader_ FERRY_GUARDED_BY(mutex_);
    std::uint64_t places_ FERRY_GUARDED_BY(mutex_) = 0;
    std::uint64_t numbers_ FERRY_GUARDED_BY(mutex_) = 0;
    std::uint32_t worker_ids_ FERRY_GUARDED_BY(mutex_) = 0;
    std::size_t finishing_ FERRY_GUARDED_BY(mutex_) = 0; // answered, outcome not yet published
    double mean_run_ns_ FERRY_GUARDED_BY(mutex_) = -1;
    unsigned failed_starts_ FERRY_GUARDED_BY(mutex_) = 0; // in a row
    bool closed_ FERRY_GUARDED_BY(mutex_) = false;
    bool reading_ FERRY_GUARDED_BY(mutex_) = false; // there is a reader
    bool reader_ended_ FERRY_GUARDED_BY(mutex_) = false;
    bool broken_ FERRY_GUARDED_BY(mutex_) = false;
    std::string why_broken_ FERRY_GUARDED_BY(mutex_);
    pool_stats counts_ FERRY_GUARDED_BY(mutex_);
};

} // namespace ferry::detail
