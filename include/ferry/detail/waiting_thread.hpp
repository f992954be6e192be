// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <ferry/config.hpp>

namespace ferry::detail {

class shared_state_base;
class task_owner;

/// What is told when a thread sleeps in a wait for a future. Calls nest.
class FERRY_DECL sleep_observer {
public:
    virtual void falls_asleep() noexcept = 0;
    virtual void wakes_up() noexcept = 0;

protected:
    ~sleep_observer() = default;
};
/// Makes it that of the calling thread, from then on.
FERRY_DECL void observe_sleep(sleep_observer* o) noexcept;

/// A task that a thread is in. Belongs to that thread.
struct FERRY_DECL running_frame {
    shared_state_base* const task;
    running_frame* const outer; ///< the task that the thread was in before
    bool named = false;         ///< to those who look for rings of waiting tasks

    /// Takes the name back.
    void forget() noexcept;
};
/// The one that the calling thread entered last.
extern FERRY_DECL constinit thread_local running_frame* innermost_task;

/// While one lives, and the calling thread is a worker that is short of stack, its pool has one
/// worker more, because this one waits instead of helping. Errors: would_deadlock if that cannot be
/// started.
class FERRY_DECL spare_worker {
public:
    spare_worker();
    ~spare_worker();
    spare_worker(const spare_worker&) = delete;
    spare_worker& operator=(const spare_worker&) = delete;

private:
    task_owner* owner_ = nullptr;
};

} // namespace ferry::detail
