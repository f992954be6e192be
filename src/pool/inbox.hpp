// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <ferry/detail/assert.hpp>
#include <ferry/detail/spin.hpp>
#include <ferry/detail/work_item.hpp>

#include "support/prefetch.hpp"

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace ferry::detail {

/// An intrusive list, first in, first out, into which any thread pushes without a lock and from
/// which one thread at a time takes.
///
/// Invariants: `last_` is null exactly when the list is empty. The oldest item is `next_`, or, where
/// that is null, `first_`. A push first makes its item the last one and then links it to the one
/// before, or, into an empty list, to `first_`. Between the two the items from there on are in the
/// list but cannot be reached: `pop` gives null although `empty` is false. Whoever pushes says so to
/// those who take afterwards, so an item that could not be reached is not forgotten.
///
/// `next_` is written by those who take only, and is null before `last_` becomes null: who looks
/// meanwhile may find it set for too long, but never takes a list with items for an empty one.
///
/// Apart from the item and the count a push into an empty list writes one line of memory. `next_` is
/// in another one: who takes from a long list does not need the first one to find the next item.
///
/// The release in `push` that links an item pairs with the acquire in `pop` that follows the link.
/// The exchange and `empty` are sequentially consistent: after a push either `empty` is false, or
/// the other thread has looked before. A task is counted before it is pushed and after it was
/// taken.
class inbox {
public:
    /// `pushed_tasks` counts the tasks that were ever pushed, where readers outside see it.
    explicit inbox(std::atomic<std::uint64_t>& pushed_tasks) noexcept
        : pushed_tasks_(pushed_tasks) {}
    inbox(const inbox&) = delete;
    inbox& operator=(const inbox&) = delete;

    /// Where another thread takes meanwhile, it may be false a moment too long.
    bool empty() const noexcept {
        return next_.load(std::memory_order_relaxed) == nullptr && last_.load() == nullptr;
    }

    /// `task`: whether the item is one.
    void push(work_item& r, bool task) noexcept {
        if (task)
            pushed_tasks_.fetch_add(1, std::memory_order_relaxed);
        r.next.store(nullptr, std::memory_order_relaxed);
        work_item* const before = last_.exchange(&r);
        if (before == nullptr)
            pushed_on_.store(this_processor(), std::memory_order_relaxed);
        // The one before stays where it is: it is taken only after it has been linked, or by who
        // has made `last_` null.
        (before != nullptr ? before->next : first_).store(&r, std::memory_order_release);
    }

    /// The processor of the latest push into an empty list; a hint.
    int pushed_on() const noexcept { return pushed_on_.load(std::memory_order_relaxed); }

    /// How many threads look whether something is pushed; see `sleepers`. It stands beside what a
    /// push writes, since whoever has pushed looks at it.
    std::atomic<std::size_t>& lookers() noexcept { return lookers_; }

    /// The oldest, or null where none can be reached.
    work_item* pop() noexcept {
        work_item* const r = unlink_first();
        FERRY_ASSERT(r == nullptr || !r->is_task() || tasks() != 0); // counted before it was pushed
        if (r != nullptr && r->is_task())
            ++taken_tasks_;
        return r;
    }
    /// Counts tasks that are queued beside it; for who may take.
    void count_as_taken(std::size_t tasks) noexcept {
        pushed_tasks_.fetch_add(tasks, std::memory_order_relaxed);
        taken_tasks_ += tasks;
    }
    /// How many tasks are in it; for who may take.
    std::size_t tasks() const noexcept {
        return static_cast<std::size_t>(pushed_tasks_.load(std::memory_order_relaxed) -
                                        taken_tasks_);
    }
    /// How many were ever taken; for who may take.
    std::uint64_t taken_tasks() const noexcept { return taken_tasks_; }

private:
    work_item* unlink_first() noexcept {
        work_item* const r = oldest();
        if (r == nullptr)
            return nullptr;
        work_item* const next = r->next.load(std::memory_order_acquire);
        next_.store(next, std::memory_order_relaxed);
        if (next != nullptr) {
            fetch_object_for_writing(next); // until it is asked for
            return r;
        }
        // It seems to be the last one. Whoever pushes after the exchange finds the list empty and
        // sets `first_`, which is null by now.
        work_item* last = r;
        if (last_.compare_exchange_strong(last, nullptr))
            return r;
        next_.store(r, std::memory_order_relaxed); // the next one is about to be linked
        return nullptr;
    }
    work_item* oldest() noexcept {
        if (work_item* const r = next_.load(std::memory_order_relaxed))
            return r;
        work_item* const r = first_.load(std::memory_order_acquire);
        if (r != nullptr)
            first_.store(nullptr, std::memory_order_relaxed);
        return r;
    }

    std::atomic<std::uint64_t>& pushed_tasks_; // not in the line that each push waits for
    alignas(64) std::atomic<work_item*> last_{nullptr};
    std::atomic<work_item*> first_{nullptr};
    std::atomic<int> pushed_on_{0};
    std::atomic<std::size_t> lookers_{0};
    // They belong to the thread that takes; others may look at the first one.
    alignas(64) std::atomic<work_item*> next_{nullptr};
    std::uint64_t taken_tasks_ = 0;
};

} // namespace ferry::detail
