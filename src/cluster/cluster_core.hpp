// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <ferry/cluster/detail/cluster_call.hpp>
#include <ferry/cluster/options.hpp>
#include <ferry/stats.hpp>

#include "broker_address.hpp"
#include "connection.hpp"
#include "inside/observed.hpp"
#include "kept_connection.hpp"
#include "ledger.hpp"
#include "pool/admission.hpp"
#include "process/process_figures.hpp"
#include "process/process_jobs.hpp"
#include "process/segment.hpp"
#include "support/annotated_mutex.hpp"

#include <array>
#include <condition_variable>
#include <deque>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

namespace ferry::detail::cluster {

/// The tasks and the two threads of a cluster pool; shared by the pool, its tasks and its threads.
///
/// `ledger` decides what becomes of a task; this class acts. One thread has a connection on which
/// it publishes, and reads confirms; the other one has a connection on which outcomes and beats
/// arrive, and watches the time. Each connects again by itself. User code runs in `jobs_`.
///
/// Invariants: a call in `calls_` is in the ledger, or it stands in the line for a place there. No
/// lock is held while user code runs, and none while a connection is used.
class cluster_core final : public cluster_host,
                           public observed,
                           public std::enable_shared_from_this<cluster_core> {
public:
    cluster_core(cluster_options options, broker_address address);
    ~cluster_core();

    /// No more tasks; with `cancel`, what has not started is cancelled. The number of those.
    std::size_t close(bool cancel);
    /// Waits until all tasks have ended and the callbacks have run.
    void join();
    shutdown_report close_within(timeout limit);
    bool is_callback_thread() const noexcept { return jobs_.is_this_thread(); }
    bool is_forked_copy() const noexcept;
    /// In a child of fork(): the threads are the parent's.
    void abandon_after_fork();
    pool_stats stats();
    label_registry::figures stats_by_label();
    void read(all_figures& to) override;
    std::size_t max_workers() const noexcept;
    const std::string& name() const noexcept { return options_.name; }

    // What tasks and those who submit them ask for.
    void check_open() override;
    segment_store& store() noexcept override { return store_; }
    void check_code(const code_ref&) const override {} // the hosts' tables do
    void submit(remote_call_ptr c, entrance e) override;
    void submit_all(std::span<const remote_call_ptr> calls) override;
    void submit(remote_call_ptr c, cluster_call how) override;
    void dropped(remote_call& c, bool expired) noexcept override;
    bool revoke(remote_call&) noexcept override { return true; }
    bool started(const remote_call&) const noexcept override { return false; }
    bool ask_to_stop(remote_call& c) noexcept override;
    bool cancel_running(remote_call& c) noexcept override;
    void post_callbacks(remote_call& c) noexcept override { jobs_.run_callbacks(c); }

private:
    using clock = timeout::clock;
    using lock_type = annotated_lock;

    struct call_entry {
        remote_call_ptr call;
        cluster_call how;
        code_key entry;
        code_key function;
        std::shared_ptr<const payload> arguments;
        std::size_t arguments_at = 0; ///< behind the code
        std::size_t bytes = 0;
        std::size_t level = 0;       ///< of priority, from 0 to 9
        std::int64_t started_ns = 0; ///< 0: no host runs it
        std::uint32_t record = 0;    ///< of the worker that runs it, in the recording
        bool in_line = false;
        /// To be set by a shutdown while a thread waits for its place; else null.
        std::shared_ptr<bool> turned_away;
        bool counted = false; ///< in unstarted_by_level_
    };
    using calls = std::unordered_map<std::uint64_t, call_entry>;
    struct outgoing {
        std::string exchange;
        std::string key;
        std::vector<std::byte> body;
    };
    /// What is to be done with a call once the lock is gone; null error: cancelled.
    struct pending_outcome {
        remote_call_ptr call;
        std::exception_ptr error;
    };
    using outcomes = std::vector<pending_outcome>;
    struct sent_message {
        std::uint64_t number = 0; ///< 0: no task
        std::uint32_t round = 0;
    };
    struct publishing; // what belongs to one publishing connection

    // Submitting and admission.
    call_entry translate(remote_call& c, cluster_call how) const;
    void throw_if_closed() const FERRY_REQUIRES(mutex_);
    static bool wants_progress(const remote_call& c) noexcept;
    void start_threads() FERRY_REQUIRES(mutex_);
    void join_connections() FERRY_EXCLUDES(mutex_);
    bool has_room_for(const call_entry& e) const noexcept FERRY_REQUIRES(mutex_);
    void refuse_if_slow(const call_entry& e, clock::time_point now) const FERRY_REQUIRES(mutex_);
    std::chrono::nanoseconds estimate(std::size_t level) const noexcept FERRY_REQUIRES(mutex_);
    [[noreturn]] void refuse(const call_entry& e, admission::decision why) const
        FERRY_REQUIRES(mutex_);
    void enter(std::uint64_t number, call_entry& e) FERRY_REQUIRES(mutex_);
    void advance_line() FERRY_REQUIRES(mutex_);
    void leave_line(std::uint64_t number, call_entry& e) FERRY_REQUIRES(mutex_);
    std::size_t workers_known() const noexcept FERRY_REQUIRES(mutex_);
    std::size_t free_workers() const noexcept FERRY_REQUIRES(mutex_);

    // What the ledger asks for.
    void perform(ledger::actions& all, outcomes& out) FERRY_REQUIRES(mutex_);
    void note_start(call_entry& e, const std::string& host) noexcept FERRY_REQUIRES(mutex_);
    void note_end_of_run(call_entry& e) noexcept FERRY_REQUIRES(mutex_);
    pool_stats stats_now() const FERRY_REQUIRES(mutex_);
    std::exception_ptr error_for(const ledger::action& a, const call_entry& e)
        FERRY_REQUIRES(mutex_);
    std::string builds_text() const FERRY_REQUIRES(mutex_);
    void end_call(calls::iterator it, std::exception_ptr error, outcomes& out)
        FERRY_REQUIRES(mutex_);
    void tell_hosts(std::uint64_t number, const std::string& host, bool only_ask)
        FERRY_REQUIRES(mutex_);
    void complete_calls(outcomes& all) noexcept FERRY_EXCLUDES(mutex_);
    bool have_all_ended() const noexcept FERRY_REQUIRES(mutex_) {
        return calls_.empty() && finishing_ == 0;
    }
    void expire_line(clock::time_point now, outcomes& out) FERRY_REQUIRES(mutex_);

    // The publishing thread.
    void publish(connection& c);
    void publish_until_done(connection& c);
    bool publish_some(publishing& p);
    bool read_confirms(publishing& p);
    std::vector<std::byte> write_task(const ledger::publication& p, const call_entry& e) const;

    // The consuming thread.
    void consume(connection& c);
    void consume_until_done(connection& c);
    void handle(const event& e);
    void handle_outcome(const outcome_frame& f);
    void handle_progress(const progress_frame& f);
    void announced(const announce_frame& f, clock::time_point now) FERRY_REQUIRES(mutex_);
    void watch_time();
    clock::time_point next_time();

    kept_connection::steps steps_of(void (cluster_core::*use)(connection&));
    void mark_broken(const std::string& why) noexcept;
    queue_options task_queue() const;
    queue_options reply_queue() const;

    // Constant after construction.
    const cluster_options options_;
    const broker_address address_;
    const unsigned forks_;
    const std::string tasks_name_;
    const std::string exchange_;
    const std::string reply_to_;
    segment_store store_;
    process_jobs jobs_;
    kept_connection publisher_;
    kept_connection consumer_;

    bool was_connected_ = false; // of the consuming thread

    mutable annotated_mutex mutex_;
    std::condition_variable changed_; // a task has ended, or entered
    ledger ledger_ FERRY_GUARDED_BY(mutex_);
    calls calls_ FERRY_GUARDED_BY(mutex_);
    std::uint64_t numbers_ FERRY_GUARDED_BY(mutex_) = 0;
    std::deque<std::uint64_t> line_ FERRY_GUARDED_BY(mutex_);
    std::set<std::pair<clock::time_point, std::uint64_t>> line_deadlines_ FERRY_GUARDED_BY(mutex_);
    std::array<std::size_t, 10> unstarted_by_level_ FERRY_GUARDED_BY(mutex_){};
    std::deque<outgoing> control_ FERRY_GUARDED_BY(mutex_); // to be published beside tasks
    clock::time_point asked_who_ FERRY_GUARDED_BY(mutex_){};
    bool closed_ FERRY_GUARDED_BY(mutex_) = false;
    bool done_ FERRY_GUARDED_BY(mutex_) = false;         // the threads are to end
    std::size_t finishing_ FERRY_GUARDED_BY(mutex_) = 0; // outcome taken, not yet published
    std::string why_broken_ FERRY_GUARDED_BY(mutex_);
    std::string last_error_ FERRY_GUARDED_BY(mutex_);
    unsigned failed_connects_ FERRY_GUARDED_BY(mutex_) = 0;
    double mean_run_ns_ FERRY_GUARDED_BY(mutex_) = 0;
    process_figures figures_ FERRY_GUARDED_BY(mutex_);
};

} // namespace ferry::detail::cluster
