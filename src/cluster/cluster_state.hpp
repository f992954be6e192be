// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <ferry/cluster/options.hpp>

#include "call_errors.hpp"
#include "cluster_line.hpp"
#include "cluster_phase.hpp"
#include "host_messages.hpp"
#include "kept_connection.hpp"
#include "ledger.hpp"
#include "open_calls.hpp"
#include "pool_queues.hpp"
#include "process/process_figures.hpp"
#include "process/process_jobs.hpp"
#include "process/segment.hpp"
#include "support/annotated_mutex.hpp"

#include <condition_variable>
#include <cstdint>
#include <exception>
#include <string>

namespace ferry::detail::cluster {

/// What the threads of a cluster pool share, under one mutex: its calls and what is known of them;
/// and the steps of a call from its submission to its outcome.
///
/// What is decided is decided by the state machines among the members: `ledger` (what becomes of a
/// task that is elsewhere), `cluster_line` (who may enter the ledger), `cluster_phase` (whether
/// there are to be any more). This class acts on what they say.
///
/// Invariants:
/// - A call in `calls` is in the ledger, or it stands in the line for a place there.
/// - No lock is held while user code runs, and none while a connection is used.
/// - Whoever changes what one of the two threads waits for wakes it.
class cluster_state {
public:
    cluster_state(cluster_options o, broker_address a);
    cluster_state(const cluster_state&) = delete;
    cluster_state& operator=(const cluster_state&) = delete;

    /// Does what the ledger asks for, and what follows from that. Calls that have ended are added
    /// to `out`, here and below.
    void perform(ledger::actions& todo, call_outcomes& out) FERRY_REQUIRES(mutex);
    /// Whether the call may enter the ledger now; else it has to stand in the line. Errors: what it
    /// is refused with.
    bool admit(const open_call& c, bool exempt, timeout::clock::time_point now) const
        FERRY_REQUIRES(mutex);
    void stand_in_line(open_call& c) FERRY_REQUIRES(mutex);
    void enter(open_call& c) FERRY_REQUIRES(mutex);
    /// The call has its outcome; a null error means that there is none, or that it is known
    /// elsewhere. It has left the ledger.
    void end(open_call& c, std::exception_ptr error, call_outcomes& out) FERRY_REQUIRES(mutex);
    /// The same for a call that hosts may have, which are told.
    void end_early(open_call& c, std::exception_ptr error, call_outcomes& out)
        FERRY_REQUIRES(mutex);
    /// Ends those whose time is over.
    void watch_time(timeout::clock::time_point now, call_outcomes& out) FERRY_REQUIRES(mutex);
    /// Publishes the outcomes.
    void complete(call_outcomes& all) noexcept FERRY_EXCLUDES(mutex);
    void wake_threads() noexcept;

    // Constant.
    const cluster_options options;
    const broker_address address;
    const pool_queues queues;

    // Safe for every thread.
    segment_store store;
    process_jobs jobs;
    kept_connection publisher;
    kept_connection consumer;

    mutable annotated_mutex mutex;
    std::condition_variable changed; ///< a task has ended, or entered
    ledger book FERRY_GUARDED_BY(mutex);
    cluster_line line FERRY_GUARDED_BY(mutex);
    open_calls calls FERRY_GUARDED_BY(mutex);
    host_messages messages FERRY_GUARDED_BY(mutex);
    cluster_phase phase FERRY_GUARDED_BY(mutex);
    call_errors errors FERRY_GUARDED_BY(mutex);
    process_figures figures FERRY_GUARDED_BY(mutex);

private:
    void advance_line() FERRY_REQUIRES(mutex);
    void started(open_call& c, const std::string& host) FERRY_REQUIRES(mutex);
    void note_end_of_run(open_call& c) noexcept FERRY_REQUIRES(mutex);
    void uncount(open_call& c) noexcept FERRY_REQUIRES(mutex);
};

} // namespace ferry::detail::cluster
