// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include "admission.hpp"
#include "external_work.hpp"
#include "sleepers.hpp"
#include "task_queue.hpp"
#include "worker_set.hpp"

#include <ferry/detail/adaptive_mutex.hpp>

#include <atomic>
#include <cstddef>
#include <vector>

namespace ferry::detail {

/// The tasks that stand in line for the queue of a bounded pool. `admission` decides; this moves
/// tasks from the line into the queue, or to their executors.
///
/// Whatever moves the line leaves tasks that were given up: their owner drops them, and calls
/// `external_work::pass_on`, both without the lock.
///
/// Invariant: whenever the pool's lock is free, `size_` is the number of places in the line.
///
/// Pairing, sequentially consistent since each orders a store before a load of another word:
/// - a task in the queue is claimed, then load of `size_`  with  `size_` + 1, then `advance`, which
///   looks for room again
class waiting_line {
public:
    /// `lock` is the pool's. The others are the pool's, too, and tell how much room there is.
    waiting_line(adaptive_mutex& lock, const thread_pool_options& options, task_queue& queue,
                 external_work& external, const worker_set& workers, const sleepers& sleeping);
    waiting_line(const waiting_line&) = delete;
    waiting_line& operator=(const waiting_line&) = delete;

    // ---- Without the lock.

    /// Whether `max_queue` or one of the other bounds is set; else nobody ever stands here.
    bool is_bounded() const noexcept { return bounded_; }
    /// Whether somebody may wait for the room that a claimed task of the queue has left.
    bool may_wait_for(const shared_state_base& task) const noexcept {
        return size_.load() != 0 || (task.extra != nullptr && task.extra->bytes != 0);
    }

    // ---- Under the lock.

    bool empty() const noexcept {
        mutex_.assert_held();
        return admission_.line_size() == 0;
    }
    /// Queues the task, or lets it stand in line; `exempt` tasks are queued in any case. A thread
    /// waits there, without `lock` meanwhile. Throws if the task is refused, without `lock`.
    entered enter(shared_state_base& task, entrance e, bool exempt, scoped_lock& lock,
                  fifo& given_up) FERRY_UNCHECKED;
    /// Lets in all for which there is room. `exactly`: workers that are just between two tasks
    /// count as free, too. A worker between two tasks comes here with the next one, and when there is
    /// none; therefore others need not count it.
    void advance(fifo& given_up, bool exactly = false) noexcept;
    /// A task waits in the queue no more.
    void leave_queue(shared_state_base& task) noexcept;
    /// A task was claimed while it stood here. To be followed by `advance`.
    void on_claimed(const shared_state_base& task, fifo& given_up) noexcept;
    /// Everybody has to go; `turn_away` says it to the threads among them.
    std::vector<admission::place> clear() noexcept;
    void turn_away(const std::vector<admission::place>& all) noexcept;

private:
    class load;
    void let_in(shared_state_base& task, std::size_t bytes) noexcept;
    void give_up(const admission::place& p, fifo& given_up) noexcept;

    const thread_pool_options& options_;
    const bool bounded_;
    std::atomic<std::size_t> size_{0};
    adaptive_mutex& mutex_;
    admission admission_ FERRY_GUARDED_BY(mutex_);
    task_queue& queue_;
    external_work& external_;
    const worker_set& workers_;
    const sleepers& sleepers_;
};

} // namespace ferry::detail
