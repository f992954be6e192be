// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <ferry/detail/adaptive_mutex.hpp>
#include <ferry/process/options.hpp>

#include "dispatcher.hpp"
#include "pool/admission.hpp"
#include "pool/ready_queue.hpp"

#include <string>
#include <vector>

namespace ferry::detail {

/// The owner of tasks that only wants to hear of those that are claimed in the line.
class line_owner : public task_owner {
protected:
    virtual void on_claimed_in_line(shared_state_base& task) noexcept = 0;

private:
    void on_task_claimed(shared_state_base& task, bool, bool in_line) noexcept final {
        if (in_line)
            on_claimed_in_line(task);
    }
    void on_claimed_task_removed(shared_state_base&) noexcept final {}
    void on_expiry_started(task_extra&) noexcept final {}
    void on_expiry_finished(task_extra&) noexcept final {}
};

/// Who may enter the queue of a bounded process pool, and who stands in line for it. `admission`
/// decides; this queues those that are let in, and wakes the threads that wait. For who holds the
/// pool's mutex.
///
/// What a worker holds behind another task waits, too, and counts until it is the first one there.
class process_line {
public:
    process_line(const process_pool_options& options, dispatcher& dispatching);

    /// Queues the call, or puts it into the line. A calling thread then waits until the call is let
    /// in or expires, and holds no `lock` meanwhile. `exempt` calls are queued whatever the bounds
    /// say. Errors: what `admission` refuses the call with.
    entered enter_or_stand(remote_call& c, entrance e, bool exempt,
                           scoped_lock& lock) FERRY_UNCHECKED;
    /// Lets in all for which there is room.
    void advance() noexcept;
    /// The call does not count as waiting any more: it was answered, dropped or taken out.
    void uncount(remote_call& c) noexcept;
    /// The oldest task that the worker holds runs, and waits no more.
    void uncount_first(dispatch_worker& w) noexcept;

    /// Somebody else has claimed the task, which stands in the line.
    void claimed(const shared_state_base& task) noexcept;
    /// Tasks that have left the line unstarted, whose shares are to be dropped without the lock.
    fifo take_given_up() noexcept { return std::exchange(given_up_, fifo()); }
    /// Empties the line. Wakes the threads that wait in it; the caller has to tell those whose
    /// places are returned.
    std::vector<admission::place> clear() noexcept;

private:
    /// The pool as its admission sees it.
    class load;
    void let_in(remote_call& c, std::size_t bytes) noexcept;

    const std::string kind_; // what errors call the pool
    const std::size_t most_workers_;
    dispatcher& dispatching_;
    admission admission_;
    fifo given_up_;
};

} // namespace ferry::detail
