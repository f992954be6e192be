// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <ferry/config.hpp>
#include <ferry/detail/context.hpp>
#include <ferry/detail/progress_sink.hpp>
#include <ferry/timeout.hpp>

#include <boost/intrusive/list_hook.hpp>
#include <boost/intrusive/set_hook.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <source_location>
#include <string>

namespace ferry::detail {

class continuation;
class shared_state_base;
class timer_queue;
struct task_extra;

/// What a task's queue, that is, its pool, has to know of it.
class FERRY_DECL task_owner {
public:
    task_owner(const task_owner&) = delete;
    task_owner& operator=(const task_owner&) = delete;
    virtual ~task_owner() = default;

    /// A task that stands in the queue, or `in_line` before it, was claimed by somebody else.
    virtual void on_task_claimed(shared_state_base& task, bool cancelled,
                                 bool in_line) noexcept = 0;
    /// The calling thread has taken one from the queue that had been claimed.
    virtual void on_claimed_task_removed(shared_state_base& task) noexcept = 0;
    /// A timer of a task has fired; the user's part of that runs until `on_expiry_finished`, and
    /// the owner waits for it. `t` stays where it is until then.
    virtual void on_expiry_started(task_extra& t) noexcept = 0;
    virtual void on_expiry_finished(task_extra& t) noexcept = 0;

protected:
    task_owner() = default;
};

/// What a timer ends: the time in the queue or the run.
enum class timer_purpose { start_by, run_time };

/// A task that runs in a pool but stands in another executor's queue, a strand's for instance.
class external_entry {
public:
    /// The pool has let it in: passes it to its executor. Never throws; the task fails instead.
    virtual void enter() noexcept = 0;
    /// It will never enter.
    virtual void stay_out() noexcept = 0;

    std::atomic<bool> counted{false}; ///< among those that wait

protected:
    external_entry() = default;
    ~external_entry() = default;
};

/// What only some tasks have. It has room for whatever a timer needs, so that a timer that was
/// accepted never fails for want of memory.
struct task_extra {
    std::string label;
    timeout limit;
    std::size_t bytes = 0;         // what it holds
    std::size_t counted_bytes = 0; // of those in the queue; guarded by the pool's mutex
    std::optional<timeout::clock::time_point> start_by;
    context_ptr context;                     // that the call sees
    std::source_location where;              // of the options; its line is 0 if there were none
    std::unique_ptr<progress_sink> progress; ///< null: nobody wants to know

    /// The timer, guarded by the timer queue that holds it.
    struct timer {
        boost::intrusive::set_member_hook<> hook;
        timeout::clock::time_point at{};
        shared_state_base* state = nullptr; // owns a reference while it is armed
        timer_queue* queue = nullptr;
        timer_purpose purpose{};
    } timer;

    /// What is left to do after the timer has fired, in a thread that may run user code.
    struct expiry {
        shared_state_base* next = nullptr; // in the queue of the expiry threads
        bool claimed = false;              // `expired` is to be called
        continuation* ring = nullptr;      // continuations to fire for an outcome that is visible
    } expiry;

    /// The pool that waits for the end of the expiry, and the place in its list of such states.
    std::shared_ptr<task_owner> owner;
    boost::intrusive::list_member_hook<> owner_hook;
    std::int64_t expired_at = 0; // coarse_now(), guarded by the owner's mutex
};

} // namespace ferry::detail
