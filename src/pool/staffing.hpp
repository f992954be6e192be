// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include "pool_state.hpp"

#include <ferry/detail/adaptive_mutex.hpp>
#include <ferry/detail/work_item.hpp>

#include <boost/intrusive_ptr.hpp>

namespace ferry::detail {

class pool_core;

/// Sees to it that there is a worker for what is queued: wakes one, or starts one.
///
/// Invariant: a worker that runs nothing, or is about to publish the outcome of its task, is
/// available. A new thread is started only when there are more items than such workers.
class staffing {
public:
    explicit staffing(pool_core& core);
    ~staffing();
    staffing(const staffing&) = delete;
    staffing& operator=(const staffing&) = delete;

    // ---- Without the lock.

    /// Sees to it that somebody takes what was pushed. `undo`, if given, is taken back when there is
    /// no thread and none can be started; then this throws, and only then.
    void after_push(work_item* undo) FERRY_EXCLUDES(pool_.mutex) {
        if (!pool_.sleeping.somebody_spins() &&
            (pool_.workers.is_below_limit() || pool_.sleeping.count() != 0))
            call_worker(undo);
    }
    /// Starts a thread where there is none and one is needed, or throws.
    void start_first_thread();
    /// The same if something is queued, because none could be started when that came.
    void start_if_starving() noexcept;
    /// Does that a little later.
    void retry_later() noexcept;

    /// A worker waits although there is work that it could do: another one does that.
    /// Errors: `would_deadlock`.
    void add_spare();
    /// It waits no more.
    void remove_spare() noexcept;

    // ---- Under the lock. What they return is to be woken without the lock; it may be null.

    /// There is more in the queue than the caller takes: somebody else for that.
    sleeper* wake_candidate() noexcept;
    /// False where no thread can be started but others are there; throws where there is none.
    bool start_thread();

private:
    class retry;
    void call_worker(work_item* undo);
    sleeper* wake_or_grow();

    pool_core& core_;
    pool_state& pool_;
    const boost::intrusive_ptr<retry> retry_;
};

} // namespace ferry::detail
