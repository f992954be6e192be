// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <ferry/detail/adaptive_mutex.hpp>
#include <ferry/detail/shared_state.hpp>
#include <ferry/detail/spin.hpp>

#include <atomic>
#include <cstdint>
#include <string>
#include <typeinfo>

namespace ferry::detail {

/// Nanoseconds of the steady clock, exact to some milliseconds and cheap where the system offers
/// it.
std::int64_t coarse_now() noexcept;

/// What a worker is doing, and the protocol by which another thread may read the label of the task
/// that it runs, although the worker may destroy that task at any time.
///
/// Invariants:
/// - `current_` is null while the worker can take the next item, the task that it runs, `starting`
///   and `finalising` while it runs the pool's initializer and finalizer, `ending` when it takes no
///   items any more and its thread ends by itself, or `busy` for anything else that has no label.
/// - Only the worker sets it, with one exception: a reader exchanges a task for `reading`, and puts
///   it back. Meanwhile the worker does not let go of that task: `forget` waits.
///
/// Pairings, sequentially consistent since each orders a store before a load of another word:
/// - `current_` cleared, then look at the queue  with  push, then `is_available`
class worker_activity {
public:
    // ---- For the worker.

    /// It runs an item: the task, or null for one that is none. `now`: see `coarse_now`. Under the
    /// pool's lock, by which a reader sees the task as it was made.
    void begin(shared_state_base* task, std::int64_t now) noexcept {
        since_.store(now, std::memory_order_relaxed);
        current_.store(task != nullptr ? task : busy(), std::memory_order_relaxed);
    }
    /// It takes no items any more, and runs no code of the user.
    void be_ending() noexcept { current_.store(ending()); }
    /// It runs the pool's initializer, or its finalizer.
    void begin_initializer(std::int64_t now) noexcept { since_.store(now); }
    void begin_finalizer(std::int64_t now) noexcept {
        since_.store(now);
        current_.store(finalising());
    }
    /// It can take the next item.
    void end() noexcept {
        if (current_.load(std::memory_order_relaxed) == nullptr)
            return; // it has said so before it published the outcome of its task
        if (destroys_.load(std::memory_order_relaxed) != nullptr)
            destroys_.store(nullptr);
        current_.store(nullptr);
    }
    /// It lets go of the task that it runs, and can take the next item.
    void forget_and_end(shared_state_base& task) noexcept { forget(task, nullptr); }
    /// It lets go of the task that it runs, and goes on with something that has no label.
    void forget_and_be_busy(shared_state_base& task) noexcept { forget(task, busy()); }
    /// It is about to destroy the outcome of the task, whose type this is, and lets go of the task.
    /// False if it had said before that it can take the next item: somebody may have relied on that.
    bool destroy_outcome(shared_state_base& task, const std::type_info& type,
                         adaptive_mutex& pools_lock) noexcept FERRY_EXCLUDES(pools_lock);

    // ---- For the thread that starts the worker.

    void be_starting() noexcept { current_.store(starting()); }

    // ---- For everybody.

    bool is_idle() const noexcept { return current_.load() == nullptr; }
    /// True when it can take the next item, or will once it is initialised.
    bool is_available() const noexcept {
        const shared_state_base* const c = current_.load();
        return c == nullptr || c == starting();
    }
    /// Calls `read(what, since)` if the worker is doing something that may take any time, the
    /// finalizer only with `finalizer_too`. `what()` describes it, and may be called until `read`
    /// returns; `since` is when it began. Returns whether it did. Under the pool's lock.
    template <class Read>
    bool visit(bool finalizer_too, Read read) noexcept;

private:
    static shared_state_base* busy() noexcept { return reinterpret_cast<shared_state_base*>(1); }
    static shared_state_base* reading() noexcept { return reinterpret_cast<shared_state_base*>(2); }
    static shared_state_base* starting() noexcept {
        return reinterpret_cast<shared_state_base*>(3);
    }
    static shared_state_base* finalising() noexcept {
        return reinterpret_cast<shared_state_base*>(4);
    }
    static shared_state_base* ending() noexcept { return reinterpret_cast<shared_state_base*>(5); }
    static bool is_task(const shared_state_base* what) noexcept {
        return reinterpret_cast<std::uintptr_t>(what) > 5;
    }
    void forget(shared_state_base& task, shared_state_base* then) noexcept {
        spin_wait pause;
        for (shared_state_base* mine = &task; !current_.compare_exchange_strong(mine, then);
             mine = &task)
            pause(); // its label is being read
    }
    std::string describe(const shared_state_base* task) const;

    std::atomic<shared_state_base*> current_{nullptr};
    std::atomic<std::int64_t> since_{0}; // when it began that, coarsely, in ns
    // Of the outcome that it destroys, or null.
    std::atomic<const std::type_info*> destroys_{nullptr};
    std::string destroyed_label_; // of the task, if it has one; guarded by the pool's lock
};

template <class Read>
bool worker_activity::visit(bool finalizer_too, Read read) noexcept {
    for (;;) {
        shared_state_base* what = current_.load();
        if (what == nullptr || what == ending() || (what == finalising() && !finalizer_too))
            return false;
        const bool named = is_task(what);
        if (named && !current_.compare_exchange_strong(what, reading()))
            continue; // it lets go of that task; what follows may be code of the user
        read([&] { return describe(what); }, since_.load());
        if (named)
            current_.store(what);
        return true;
    }
}

} // namespace ferry::detail
