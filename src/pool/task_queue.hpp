// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include "inbox.hpp"
#include "inside/recording.hpp"
#include "ready_queue.hpp"

#include <ferry/detail/adaptive_mutex.hpp>
#include <ferry/detail/shared_state.hpp>

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>

namespace ferry::detail {

/// What waits for the workers of a pool. It owns a share of what it holds.
///
/// A submitting thread pushes into the inbox without a lock. Workers take one item at a time, under
/// the pool's lock: from `ready_`, whose items are older, else straight from the inbox. The inbox
/// is emptied into `ready_` by those who have to see all of it, and by everybody once there are
/// priorities.
///
/// Invariants:
/// - Whenever the lock is free, `backlog_` says whether something is in `ready_`, for those who
///   look without the lock. Who takes an item and leaves more ensures that somebody else comes.
/// - `record_.claimed` counts the tasks in the queue that were claimed elsewhere, give or take
///   those that are being taken from it.
/// - `prioritized_` is set before the first item with a priority is pushed, and forever. The
///   exchange of the inbox's push orders that for who takes this item.
///
/// Pairing, sequentially consistent since each orders a store before a load of another word:
/// - a push, then a look at another word (who sleeps, whether the pool is closed)  with  a change
///   of that word, then `any` or `may_have_items`
class task_queue {
public:
    /// `lock` is the pool's. `record` has the counts, where readers outside see them.
    task_queue(adaptive_mutex& lock, recording::pool& record) noexcept
        : inbox_(record.pushed), record_(record), mutex_(lock) {}
    task_queue(const task_queue&) = delete;
    task_queue& operator=(const task_queue&) = delete;

    // ---- Without the lock.

    /// The item may be gone afterwards. `task`: whether it is one.
    void push(work_item& r, bool task) noexcept {
        if (r.priority != 0)
            prioritized_.store(true);
        inbox_.push(r, task);
    }
    /// Whether it is worth while to look for an item under the lock.
    bool may_have_items() const noexcept { return !inbox_.empty() || backlog_.load(); }
    /// The processor of the latest push into an empty inbox; a hint.
    int pushed_on() const noexcept { return inbox_.pushed_on(); }
    std::atomic<std::size_t>& lookers() noexcept { return inbox_.lookers(); }
    /// A task in the queue was claimed elsewhere; true if it is time to call `purge_claimed`.
    bool on_claimed() noexcept {
        return record_.claimed.fetch_add(1) + 1 > purge_claimed_at_.load(std::memory_order_relaxed);
    }
    /// Such a task was taken.
    void on_claimed_removed() noexcept { record_.claimed.fetch_sub(1, std::memory_order_relaxed); }
    /// Takes claimed items out, and drops them, when they are the greater part of the queue.
    void purge_claimed() noexcept FERRY_EXCLUDES(mutex_);

    /// The memory that an item with a priority needs. It is given back unless it was used.
    class reservation {
    public:
        /// Errors: `std::bad_alloc`.
        reservation(task_queue& queue, int priority) : queue_(queue), priority_(priority) {
            if (priority_ != 0)
                queue_.reserve(priority_);
        }
        ~reservation() {
            if (priority_ != 0)
                queue_.let_go(priority_);
        }
        reservation(const reservation&) = delete;
        reservation& operator=(const reservation&) = delete;

        /// The item is about to be queued, or stands in the line before the queue.
        void use() noexcept { priority_ = 0; }

    private:
        task_queue& queue_;
        int priority_; // 0: nothing is reserved
    };

    // ---- Under the lock.

    /// Queues an item behind those outside of the inbox.
    void add(work_item& r) noexcept {
        mutex_.assert_held();
        if (r.priority != 0)
            prioritized_.store(true);
        inbox_.count_as_taken(1);
        ready_.push(r);
        note_backlog();
    }
    /// Queues tasks without a priority.
    void add_all(const fifo& tasks) noexcept {
        drain();
        mutex_.assert_held();
        ready_.push_all(tasks);
        inbox_.count_as_taken(tasks.tasks);
        note_backlog();
    }
    /// An item for which memory was reserved does not come.
    void cancel_reservation(int priority) noexcept {
        mutex_.assert_held();
        ready_.cancel_reservation(priority);
    }

    /// The next item, or null where none can be reached.
    work_item* take() noexcept;
    /// Whether there are items; some may be such that cannot be reached yet.
    bool any() const noexcept {
        mutex_.assert_held();
        return !ready_.empty() || !inbox_.empty();
    }
    /// Whether there are items outside of the inbox.
    bool has_ready() const noexcept {
        mutex_.assert_held();
        return !ready_.empty();
    }
    /// Empties the inbox, as far as its items can be reached.
    void drain() noexcept;
    /// Takes one item out: true where it was still queued, and belongs to the caller again.
    bool revoke(const work_item& r) noexcept {
        return !extract([&r](const work_item& other) { return &other == &r; }).empty();
    }
    /// Takes out everything for which `unwanted` is true, what is just being pushed included.
    template <class Predicate>
    fifo extract(Predicate unwanted) noexcept {
        drain_all();
        mutex_.assert_held();
        const fifo out = ready_.extract(unwanted);
        note_backlog();
        return out;
    }
    fifo extract_all() noexcept {
        return extract([](const work_item&) { return true; });
    }

    /// How many tasks wait that are not claimed.
    std::size_t live_tasks() const noexcept {
        mutex_.assert_held();
        return without_claimed(ready_.tasks() + inbox_.tasks());
    }
    /// How many items wait that are not claimed, as far as they can be reached.
    std::size_t live_items() noexcept {
        drain();
        mutex_.assert_held();
        return without_claimed(ready_.size());
    }
    /// How many tasks a new one of this priority would wait for.
    std::size_t live_tasks_before(int priority) noexcept {
        drain();
        mutex_.assert_held();
        return without_claimed(ready_.tasks_before(priority));
    }

private:
    void reserve(int priority) FERRY_EXCLUDES(mutex_);
    void let_go(int priority) noexcept FERRY_EXCLUDES(mutex_);
    void drain_all() noexcept;
    void note_backlog() noexcept {
        mutex_.assert_held();
        const bool any = !ready_.empty();
        if (backlog_.load(std::memory_order_relaxed) != any)
            backlog_.store(any);
    }
    std::size_t without_claimed(std::size_t n) const noexcept {
        const auto claimed =
            static_cast<std::size_t>(std::max<std::int64_t>(0, record_.claimed.load()));
        return n > claimed ? n - claimed : 0;
    }

    // Lines of their own have what submitters write, and workers that look; what those write who
    // take; what is seldom written; what workers write.
    inbox inbox_;
    alignas(64) std::atomic<bool> prioritized_{false}; // there was a priority; forever
    std::atomic<bool> backlog_{false};                 // `ready_` is not empty
    std::atomic<std::int64_t> purge_claimed_at_{256};
    recording::pool& record_;
    adaptive_mutex& mutex_;
    alignas(64) ready_queue ready_ FERRY_GUARDED_BY(mutex_);
};

} // namespace ferry::detail
