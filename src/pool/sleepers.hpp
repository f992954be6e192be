// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include "support/futex.hpp"
#include "support/wake_up.hpp"

#include <ferry/detail/adaptive_mutex.hpp>
#include <ferry/detail/assert.hpp>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>

namespace ferry::detail {

/// A worker, as far as its sleep is concerned.
class sleeper {
public:
    /// Ends the sleep of one that was popped. Without the lock, when it may even be gone already.
    void wake_up() noexcept { futex_wake(reinterpret_cast<std::uint32_t*>(&wake_), 1); }

protected:
    sleeper() = default;
    ~sleeper() = default;

private:
    friend class sleepers;

    std::atomic<std::uint32_t> wake_{0}; // not 0 once it was popped; its thread sleeps on this word
    // Guarded by the pool's lock.
    wake_call called_; // by who popped it
    bool listed_ = false;
    sleeper* next_ = nullptr;
};

/// The workers of a pool that sleep, and the protocol by which no item is left in the queue while
/// they do. It knows nothing of the queue: its users push into that, and look into it.
///
/// A submitter pushes and then calls `somebody_spins` and `count`; a worker counts itself with
/// `enlist` and then looks at the queue. Either the submitter sees the worker, or the worker sees
/// the item.
///
/// Invariants, under the lock:
/// - `count` is the number of workers in the list, except inside of `enlist`, `pop` and `settle`.
/// - A worker is in the list from `enlist` until it is popped or expires, and sleeps in that time
///   or is about to. Whoever pops it sets its wake word under the lock, and calls `wake_up`
///   afterwards.
/// - `waking_` is set from the moment at which somebody decides to wake a worker until that worker
///   has the lock again, which is before it looks at the queue. Whoever pushes meanwhile wakes
///   nobody, because that worker sees what was pushed, and wakes the next one if there is more than
///   it takes.
/// - While `spinning_` is not zero, a worker that looks for work, or is about to publish an outcome
///   and look then, has not counted itself out yet. Nobody is woken for what is pushed meanwhile,
///   because it looks at the queue after that. Until then it runs no code of the user, which could
///   take any time.
///
/// Pairings, all sequentially consistent since each orders a store before a load of another word:
/// - push, then load of `sleeping_`      with  `sleeping_` + 1, then look at the queue (`enlist`)
/// - push, then load of `spinning_`      with  `spinning_` - 1, then look at the queue
/// - push, then load of `waking_`        with  `waking_` cleared, then look at the queue (`settle`)
/// - `wake_` set by `pop`                with  the load in `wait`, which the futex repeats
class sleepers {
public:
    /// `lock` is the pool's lock, which also guards what the workers look at. `spinning` counts
    /// those that look; it changes with nearly each item, and stands where a push goes anyway.
    sleepers(adaptive_mutex& lock, std::atomic<std::size_t>& spinning) noexcept
        : spinning_(spinning), mutex_(lock) {}
    sleepers(const sleepers&) = delete;
    sleepers& operator=(const sleepers&) = delete;

    // ---- For those who have pushed something. Without the lock they get hints, which are enough
    // ---- because of the pairings.

    /// A worker looks for work, or soon does, and needs no call.
    bool somebody_spins() const noexcept { return spinning_.load() != 0; }
    /// How many sleep.
    std::size_t count() const noexcept { return sleeping_.load(); }
    /// Wakes one unless one is on its way.
    void wake_one() noexcept FERRY_EXCLUDES(mutex_);

    // ---- Under the lock. What they return is to be woken without the lock, with `wake_up`.

    bool any() const noexcept {
        mutex_.assert_held();
        return first_ != nullptr;
    }
    /// The one that slept last, or null.
    sleeper* pop() noexcept;
    /// The same, but null also when one is on its way.
    sleeper* pop_unless_waking() noexcept {
        return any() && !waking_.exchange(true) ? pop() : nullptr;
    }
    /// Wakes all of them.
    void wake_all() noexcept;

    // ---- For the worker itself.

    /// Counts a worker that looks for work, or is about to, until `end_looking`. Afterwards it
    /// looks at the queue once more, under the lock.
    void begin_to_look() noexcept { spinning_.fetch_add(1); }
    void end_looking() noexcept { spinning_.fetch_sub(1); }

    /// Under the lock: puts the worker into the list, and calls `look` after that, which says
    /// whether something is queued. False if so: then it is out of the list again.
    template <class Look>
    bool enlist(sleeper& w, Look look) noexcept {
        add(w);
        if (!look())
            return true;
        remove_first(w);
        return false;
    }
    /// Without the lock: sleeps until the worker is popped or the time has come.
    void wait(sleeper& w, std::optional<std::chrono::steady_clock::time_point> deadline) noexcept;
    /// Under the lock, after `wait`: true if the worker was popped. False if it was idle for too
    /// long: then it is out of the list, nobody wakes it any more, and it looks at the queue once
    /// more before it ends, because a submitter that still counted on it has pushed before.
    bool settle(sleeper& w) noexcept;

private:
    void add(sleeper& w) noexcept;
    void remove_first(sleeper& w) noexcept;

    std::atomic<std::size_t>& spinning_;
    std::atomic<std::size_t> sleeping_{0};
    std::atomic<bool> waking_{false};
    sleeper* first_ FERRY_GUARDED_BY(mutex_) = nullptr; // last in, first out
    adaptive_mutex& mutex_;
};

} // namespace ferry::detail
