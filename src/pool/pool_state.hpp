// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <ferry/detail/adaptive_mutex.hpp>
#include <ferry/thread_pool.hpp>

#include "external_work.hpp"
#include "pool_record.hpp"
#include "sleepers.hpp"
#include "support/home_process.hpp"
#include "task_queue.hpp"
#include "waiting_line.hpp"
#include "worker_set.hpp"

#include <atomic>
#include <utility>

namespace ferry::detail {

/// What the threads of a pool share, under its one mutex.
///
/// Tasks wait in `queue`; in a bounded pool they may stand in `line` before. The workers are in
/// `workers`, and those of them that sleep in `sleeping`. `external` are the tasks that come through
/// other executors, `record` what is counted of all of them. Each of these has its own invariants;
/// the classes that `pool_core` names act on them.
///
/// Invariants:
/// - No lock is held while user code runs.
/// - A push looks at `closed` before and after. What was pushed nevertheless is taken by a worker
///   that has not ended, because that looks at the queue after `closed`; else it is taken back.
///   Both looks, the push and the store are sequentially consistent.
struct pool_state {
    explicit pool_state(thread_pool_options o)
        : options(std::move(o)), record(mutex, options), queue(mutex, record.shown()),
          workers(mutex, options.max_workers),
          line(mutex, options, queue, external, workers, sleeping) {}
    pool_state(const pool_state&) = delete;
    pool_state& operator=(const pool_state&) = delete;

    /// In a child of fork() the threads are not there, and locks may be held forever.
    bool is_forked_copy() const noexcept { return home.is_elsewhere(); }

    /// The worker counts as one that looks for work: nobody else is woken for what is pushed.
    void begin_to_look(worker& w) noexcept {
        if (!std::exchange(w.looks, true))
            sleeping.begin_to_look();
    }
    /// It does no more, and looks at the queue after that.
    void end_looking(worker& w) noexcept {
        if (std::exchange(w.looks, false))
            sleeping.end_looking();
    }
    /// The worker is about to publish an outcome, and then looks for the next item.
    void will_look(worker& w) noexcept {
        if ((sleeping.count() != 0 || workers.is_below_limit()) && !queue.may_have_items())
            begin_to_look(w);
    }

    const thread_pool_options options;
    const home_process home;
    pool_record record;
    task_queue queue;
    // One line up to the two counts at the front of `workers`: what each push reads, and what
    // changes only when a worker sleeps, wakes, starts or ends.
    alignas(64) std::atomic<bool> closed{false};
    sleepers sleeping{mutex, queue.lookers()};
    worker_set workers;
    waiting_line line;
    external_work external{mutex, record.shown()};

    alignas(64) adaptive_mutex mutex;
};

} // namespace ferry::detail
