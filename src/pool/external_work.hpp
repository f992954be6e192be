// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include "inside/recording.hpp"
#include "ready_queue.hpp"

#include <ferry/detail/adaptive_mutex.hpp>
#include <ferry/detail/shared_state.hpp>

#include <boost/intrusive_ptr.hpp>

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <set>

namespace ferry::detail {

/// The tasks that reach a pool through another executor, a strand for instance. The pool is not at
/// its end before each of them is: what their executors post is accepted and run until then.
///
/// Invariants, under the pool's lock:
/// - `outstanding_` is the number of tasks in `tasks_` and `told_`: those that have started and not
///   finished. Who has seen with `is_done` that there are none while the pool is closed may rely on
///   it, because a task starts only under the lock, and not in a closed pool.
/// - `record_.elsewhere` is the number of those that count as waiting: they were let in, and have
///   neither started to run nor been given up.
/// - `passed_on_` holds those that were let in and have not been brought to their executors. While
///   `passing_on_` is set one thread takes them there, in the order in which they were let in.
class external_work {
public:
    /// `lock` is the pool's, `record` what readers outside see of the pool.
    external_work(adaptive_mutex& lock, recording::pool& record) noexcept
        : mutex_(lock), record_(record) {}
    external_work(const external_work&) = delete;
    external_work& operator=(const external_work&) = delete;

    // ---- Without the lock.

    /// Nothing has to be waited for.
    bool is_done() const noexcept { return outstanding_.load() == 0 || abandoned_.load(); }
    /// One that is external waits from now on.
    void wait(shared_state_base& t) noexcept;
    /// A task, of any kind, waits no more; true if it has.
    bool leave_queue(shared_state_base& t) noexcept;
    /// How many wait.
    std::size_t queued() const noexcept {
        return static_cast<std::size_t>(
            std::max<std::int64_t>(0, record_.elsewhere.load(std::memory_order_relaxed)));
    }
    /// Brings those that were let in to their executors.
    void pass_on() noexcept FERRY_EXCLUDES(mutex_);
    /// Calls `f` once for each task that has not finished, without lock and memory.
    template <class F>
    void for_each(F f) FERRY_EXCLUDES(mutex_) {
        while (const boost::intrusive_ptr<shared_state_base> t = next_untold())
            f(*t);
    }

    // ---- Under the lock.

    /// Errors: `std::bad_alloc`.
    void start(shared_state_base& t) {
        mutex_.assert_held();
        tasks_.insert(&t);
        outstanding_.fetch_add(1);
    }
    /// True if it was the last.
    bool finish(shared_state_base& t) noexcept;
    /// They are not waited for any more.
    void abandon() noexcept { abandoned_.store(true); }

    /// One that is external was let in; it is for `pass_on`, since more than one thread may let
    /// tasks in.
    void let_in(shared_state_base& t) noexcept;
    /// Calls `f` for each task that waits and was not cancelled.
    template <class F>
    void for_each_waiting(F f) const {
        mutex_.assert_held();
        for (const auto* const tasks : {&tasks_, &told_}) {
            for (shared_state_base* const t : *tasks) {
                if (const external_entry* const x = t->external();
                    x != nullptr && x->counted.load(std::memory_order_relaxed) && !t->stale())
                    f(*t);
            }
        }
    }
    /// Whether there is something for `pass_on`.
    bool has_to_pass_on() const noexcept {
        mutex_.assert_held();
        return !passed_on_.empty();
    }

private:
    boost::intrusive_ptr<shared_state_base> next_untold() FERRY_EXCLUDES(mutex_);

    std::atomic<std::int64_t> outstanding_{0};
    std::atomic<bool> abandoned_{false};
    adaptive_mutex& mutex_;
    recording::pool& record_;
    fifo passed_on_ FERRY_GUARDED_BY(mutex_);
    bool passing_on_ FERRY_GUARDED_BY(mutex_) = false;
    std::set<shared_state_base*> tasks_ FERRY_GUARDED_BY(mutex_);
    std::set<shared_state_base*> told_ FERRY_GUARDED_BY(mutex_); // `for_each` has come to them
};

} // namespace ferry::detail
