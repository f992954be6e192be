// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <ferry/process_pool.hpp>

#include "arrived_tasks.hpp"
#include "host_identity.hpp"
#include "host_ledger.hpp"
#include "host_phase.hpp"
#include "kept_connection.hpp"
#include "report_outbox.hpp"
#include "support/annotated_mutex.hpp"

#include <atomic>
#include <cstdint>
#include <string>
#include <vector>

namespace ferry::detail::cluster {

/// What the threads of a worker host share, under one mutex; and what is done with it about what
/// `host_ledger` decides.
///
/// Invariants:
/// - A task in `tasks` is in the ledger. One that runs, for the ledger, is in `tasks` until its
///   outcome is made into a report.
/// - Whoever adds to `outbox` or `acknowledgements` wakes the thread that takes from it.
/// - No lock is held while a connection or the pool is used, since threads of the pool take the
///   mutex while they hold the pool's own.
class host_state {
public:
    /// Errors: those of `host_identity` and `process_pool`.
    host_state(cluster_options o, cluster_worker_options w);
    host_state(const host_state&) = delete;
    host_state& operator=(const host_state&) = delete;

    /// What is to be done with the local pool, once the lock is gone.
    struct to_do {
        std::vector<task_id> run;
        std::vector<host_call_ptr> end;
        std::vector<host_call_ptr> stop;
    };
    void perform(const host_ledger::actions& all, to_do& later) FERRY_REQUIRES(mutex);
    void say(report r) FERRY_REQUIRES(mutex);
    /// Tells a pool which of its tasks are here.
    void tell(const std::string& reply_to, host_ledger::known_tasks known) FERRY_REQUIRES(mutex);

    void fail(const std::string& why) FERRY_EXCLUDES(mutex);
    /// Ends the host in order; again: at once. From a signal handler.
    void ask_to_end() noexcept;
    bool is_over() const FERRY_EXCLUDES(mutex);

    // Constant.
    const host_identity self;

    // Safe for every thread.
    process_pool pool;
    kept_connection publisher; ///< on which reports are published
    kept_connection consumer;  ///< on which tasks arrive and are acknowledged
    std::atomic<unsigned> asked_to_end{0};

    mutable annotated_mutex mutex;
    host_ledger ledger FERRY_GUARDED_BY(mutex);
    arrived_tasks tasks FERRY_GUARDED_BY(mutex);
    report_outbox outbox FERRY_GUARDED_BY(mutex); ///< only the publishing thread takes from it
    std::vector<std::uint64_t> acknowledgements FERRY_GUARDED_BY(mutex);
    host_phase phase FERRY_GUARDED_BY(mutex);
};

} // namespace ferry::detail::cluster
