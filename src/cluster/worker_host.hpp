// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <ferry/cluster/options.hpp>
#include <ferry/process/detail/encoded_outcome.hpp>
#include <ferry/process_pool.hpp>
#include <ferry/progress.hpp>

#include "broker_address.hpp"
#include "connection.hpp"
#include "host_ledger.hpp"
#include "kept_connection.hpp"
#include "support/annotated_mutex.hpp"

#include <atomic>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace ferry::detail::cluster {

/// A worker host: a loop that takes tasks from the broker, in front of a local process pool.
///
/// `host_ledger` decides what becomes of a delivery; this class acts. The calling thread has a
/// connection on which tasks and notes arrive and on which it acknowledges, and watches the time; a
/// second thread has one on which it publishes reports. A report is kept until the broker has
/// confirmed it, and published again after the connection was lost.
class worker_host {
public:
    worker_host(cluster_options options, cluster_worker_options worker_options);
    ~worker_host();

    /// Until it is told to end; the exit code.
    int run();
    /// Ends it; again: at once. From a signal handler.
    void ask_to_end() noexcept;

private:
    using clock = std::chrono::steady_clock;
    using call_type = remote_task<encoded_outcome>;

    /// A task that has arrived, until its outcome is reported.
    struct arrived_task {
        task_frame frame;
        std::shared_ptr<void> keep = {}; ///< the message that the frame's arguments are in
        boost::intrusive_ptr<call_type> call = {};
        clock::time_point started{};
        bool limited_by_host = false;        ///< its time limit is `max_run`
        bool has_started = false;            ///< a local worker runs it, or has
        bool unwanted = false;               ///< it was cancelled just before its start
        bool asked_to_stop = false;          ///< likewise
        std::optional<progress> latest = {}; ///< whose report has not been written
    };
    struct report {
        std::string key;
        std::vector<std::byte> body;
        std::optional<task_id> id = {}; ///< the task to be acknowledged once this is confirmed
        std::string exchange = {};
        std::optional<task_id> progress_of = {};     ///< its body is to be written
        bool starts = false;                         ///< the task starts once this is confirmed
        bool confirmed = false;                      ///< and nothing but its place is left
        bool returned = false;                       ///< its pool has no queue now
        std::optional<clock::time_point> until = {}; ///< when to stop trying then
    };
    /// A call that was handed to the local pool, and is reported once a worker runs it.
    struct start_watch {
        task_id id;
        std::chrono::milliseconds pause; ///< until the next look at it
    };
    class completion;
    using lock_type = annotated_lock;

    // What the ledger asks for.
    struct to_do {
        std::vector<task_id> run;
        std::vector<boost::intrusive_ptr<call_type>> end;
        std::vector<boost::intrusive_ptr<call_type>> stop;
    };
    void perform(const host_ledger::actions& all, to_do& later) FERRY_REQUIRES(mutex_);
    /// Calls the pool, whose threads take the lock while they hold its own.
    void do_now(const to_do& todo) FERRY_EXCLUDES(mutex_);
    void ask_to_stop(const boost::intrusive_ptr<call_type>& call);
    void start(const task_id& id);
    void finished(const task_id& id) noexcept;
    void refuse(const task_id& id, const std::string& type, const std::string& why);
    void give_back(const task_id& id);
    void say(report r) FERRY_REQUIRES(mutex_);
    report start_report(const task_id& id) const;
    report outcome_of_call(const task_id& id, arrived_task& t, bool& is_broken);
    void settle(const task_id& id);
    void note_progress(const task_id& id, progress p, bool first);
    bool write_progress(report& r) FERRY_REQUIRES(mutex_);

    // The consuming thread.
    void consume(connection& c);
    void consume_until_done(connection& c);
    void lose_deliveries();
    void handle(connection& c, const event& e);
    void watch_time(connection* c);
    void watch_starts(clock::time_point now);
    void begin_to_drain(connection* c);
    bool is_over() const;
    clock::time_point next_time() const;

    // The publishing thread.
    void publish(connection& c);
    void publish_until_done(connection& c);
    void settle_all();
    void on_confirm(const event& e, std::uint64_t& first);
    void on_return(const event& e, std::uint64_t first);
    void confirmed(report& r, host_ledger::actions& actions) FERRY_REQUIRES(mutex_);
    clock::time_point publish_again();
    bool may_go_on(const std::exception& e, bool refused);
    announce_frame announcement(bool leaving) const;
    void tell_all(const std::string& reply_to, host_ledger::known_tasks known)
        FERRY_REQUIRES(mutex_);

    const cluster_options options_;
    const cluster_worker_options worker_options_;
    const broker_address address_;
    const std::string tasks_name_;
    const std::string exchange_;
    const std::string name_; // of this host, and of the queue for notes to it
    const std::chrono::nanoseconds beat_;
    process_pool pool_;
    kept_connection publisher_;
    kept_connection consumer_;
    std::atomic<unsigned> asked_to_end_{0};

    mutable annotated_mutex mutex_;
    host_ledger ledger_ FERRY_GUARDED_BY(mutex_);
    std::map<task_id, arrived_task> tasks_ FERRY_GUARDED_BY(mutex_);
    std::deque<report> reports_ FERRY_GUARDED_BY(mutex_);
    // Of the present publishing connection, in their order. Only its thread adds and removes them.
    std::deque<report> unconfirmed_ FERRY_GUARDED_BY(mutex_);
    // To be reported, if they last until then.
    std::multimap<clock::time_point, start_watch> starts_ FERRY_GUARDED_BY(mutex_);
    std::vector<std::uint64_t> acknowledgements_ FERRY_GUARDED_BY(mutex_);
    // To be asked to stop again.
    std::vector<boost::intrusive_ptr<call_type>> stops_ FERRY_GUARDED_BY(mutex_);
    std::deque<task_id> finished_ FERRY_GUARDED_BY(mutex_); // whose outcomes are to be reported
    // To be published again, and when.
    std::deque<std::pair<clock::time_point, report>> returned_ FERRY_GUARDED_BY(mutex_);
    clock::time_point next_beat_ FERRY_GUARDED_BY(mutex_){};
    std::optional<clock::time_point> drain_until_ FERRY_GUARDED_BY(mutex_);
    std::optional<clock::time_point> give_up_at_ FERRY_GUARDED_BY(mutex_);
    bool ended_workers_ FERRY_GUARDED_BY(mutex_) = false;
    bool done_ FERRY_GUARDED_BY(mutex_) = false; // the publishing thread is to end
    // Why the broker refuses this host, or the pool is broken.
    std::string failure_ FERRY_GUARDED_BY(mutex_);
};

} // namespace ferry::detail::cluster
