// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include "worker.hpp"

#include <ferry/detail/adaptive_mutex.hpp>
#include <ferry/detail/assert.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <exception>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace ferry::detail {

/// Makes room for at least `size` elements, and for more and more of them at a time.
template <class T>
void make_room(std::vector<T>& v, std::size_t size) {
    if (v.capacity() < size)
        v.reserve(std::max(size, 2 * v.capacity()));
}

/// The workers of a pool: those that take items, and those that take none any more.
///
/// Invariants:
/// - `count` is the number of workers that take items, for those who ask without the lock, except
///   inside of `retire_unless`.
/// - A worker that ends because it was idle counts itself out and then looks at the queue; a
///   submitter pushes and then looks at `count`. Both are sequentially consistent, so one of them
///   sees the other.
/// - A worker is in one of the two lists until it removes itself. There is always room for it in
///   the other one.
class worker_set {
public:
    /// `lock` is the pool's; at most `limit` workers take items.
    worker_set(adaptive_mutex& lock, std::size_t limit) noexcept
        : limit_(limit), mutex_(lock), lowest_limit_(limit) {}
    ~worker_set();
    worker_set(const worker_set&) = delete;
    worker_set& operator=(const worker_set&) = delete;

    // ---- Without the lock.

    /// How many take items.
    std::size_t count() const noexcept { return count_.load(); }
    /// A hint.
    bool seems_empty() const noexcept { return count_.load(std::memory_order_relaxed) == 0; }
    bool is_below_limit() const noexcept { return count_.load() < limit_.load(); }

    // ---- Under the lock.

    /// How many more may be started.
    std::size_t room() const noexcept {
        mutex_.assert_held();
        const std::size_t limit = limit_.load(std::memory_order_relaxed);
        return limit > working_.size() ? limit - working_.size() : 0;
    }
    /// `limit` was lowered, and somebody is to go.
    bool is_above_limit() const noexcept {
        mutex_.assert_held();
        return working_.size() > limit_.load(std::memory_order_relaxed);
    }
    /// One of them waits although there is work that it could do: another one may be started.
    void raise_limit() noexcept { limit_.fetch_add(1); }
    /// It waits no more.
    void lower_limit() noexcept {
        FERRY_ASSERT(limit_.load() > lowest_limit_);
        limit_.fetch_sub(1);
    }

    bool empty() const noexcept {
        mutex_.assert_held();
        return working_.empty();
    }
    /// Those that take items, and those that are waited for beside them.
    std::size_t size_with_retired() const noexcept {
        mutex_.assert_held();
        return working_.size() + retired_.size();
    }
    template <class F>
    void for_each(F f) const {
        mutex_.assert_held();
        for (const auto* list : {&working_, &retired_}) {
            for (const auto& w : *list)
                f(*w);
        }
    }
    /// Whether so many can take an item now, or very soon.
    bool has_available(std::size_t wanted) const noexcept;
    std::size_t available() const noexcept;

    /// Starts a thread that calls `run(worker)`, for what `make(number)` gives. False where none
    /// can be started but others are there; throws where there is none.
    template <class Make, class Run>
    bool start(std::size_t stack_size, Make make, Run run);

    /// It takes nothing any more, and another one may be started in its place.
    void retire(worker& w) noexcept;
    /// Nobody waits for it any more either.
    void detach(worker& w) noexcept;
    /// Retires one that was idle for too long; false where `look` says that something is queued.
    template <class Look>
    bool retire_unless(worker& w, Look look) noexcept {
        mutex_.assert_held();
        // It counts itself out before it looks, for those who would start another thread.
        count_.store(working_.size() - 1);
        if (look()) {
            count_.store(working_.size());
            return false;
        }
        retire(w);
        return true;
    }
    /// Its thread is about to end. What it counted stays.
    std::unique_ptr<worker> remove(worker& w) noexcept;

    /// All threads but those that nobody waits for have ended.
    bool have_ended() const noexcept;
    /// Detaches those that do something that may take any time, the finalizer only with
    /// `finalizer_too`, and calls `note(what, since)` for each of them; see `worker_activity::visit`.
    template <class Note>
    void detach_stuck(bool finalizer_too, Note note) noexcept;

    /// The counts of the tasks of all, of those that have ended too.
    void add_counts_to(task_counts& sum) const noexcept;
    std::chrono::nanoseconds mean_run_time() const noexcept;

private:
    using list = std::vector<std::unique_ptr<worker>>;
    static std::unique_ptr<worker> remove_from(list& from, worker& w) noexcept;

    std::atomic<std::size_t> count_{0};
    std::atomic<std::size_t> limit_; // the options' and one for each that waits without helping
    adaptive_mutex& mutex_;
    [[maybe_unused]] const std::size_t lowest_limit_;
    list working_ FERRY_GUARDED_BY(mutex_);
    list retired_ FERRY_GUARDED_BY(mutex_);            // take no items any more
    std::size_t started_ FERRY_GUARDED_BY(mutex_) = 0; // numbers the threads
    task_counts ended_counts_ FERRY_GUARDED_BY(mutex_);
};

template <class Make, class Run>
bool worker_set::start(std::size_t stack_size, Make make, Run run) {
    mutex_.assert_held();
    try {
        const std::size_t all = working_.size() + retired_.size() + 1;
        make_room(working_, all); // what may not fail later has its room from here on
        make_room(retired_, all);
        std::unique_ptr<worker> w = make(started_);
        worker& started = *w;
        w->index = working_.size();
        working_.push_back(std::move(w));
        try {
            started.thread =
                os_thread(stack_size, [run = std::move(run), &started] { run(started); });
        } catch (...) {
            working_.pop_back();
            throw;
        }
    } catch (const std::exception&) {
        if (working_.empty())
            throw;
        return false;
    }
    ++started_;
    count_.store(working_.size());
    return true;
}

template <class Note>
void worker_set::detach_stuck(bool finalizer_too, Note note) noexcept {
    mutex_.assert_held();
    for (list* const all : {&working_, &retired_}) {
        for (std::size_t i = all->size(); i-- != 0;) {
            worker& w = *(*all)[i];
            if (!w.detached && w.activity.visit(finalizer_too, note))
                detach(w);
        }
    }
}

} // namespace ferry::detail
