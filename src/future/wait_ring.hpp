// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <ferry/detail/shared_state.hpp>

#include <cstdint>
#include <functional>

namespace ferry::detail {

/// The futures that a thread waits for, where it is more than one.
class awaited_futures {
public:
    /// True if none of them has completed and `stuck` is true for all of them. For any thread,
    /// while their owner sleeps.
    virtual bool all_of(const std::function<bool(shared_state_base&)>& stuck) const = 0;

    /// Says that the waiting of this thread is for all of them, meanwhile.
    class scope {
    public:
        explicit scope(const awaited_futures* f) noexcept;
        ~scope();
        scope(const scope&) = delete;
        scope& operator=(const scope&) = delete;

    private:
        const awaited_futures* outer_;
    };

protected:
    ~awaited_futures() = default;
};

/// A thread that is inside a task is about to sleep until `state` is done, for as long as that
/// takes. While one lives, the tasks that the thread is in are known to wait.
///
/// Errors: would_deadlock if that closes a ring, in which every thread waits for a task that
/// another one is inside of. Who would close a ring is known because everybody else on it sleeps
/// already: whatever completes by other means (a timer, another thread, a task that has not
/// started) is on none.
///
/// One mutex for the process; it is taken only by threads that sleep.
class sleeping_wait {
public:
    explicit sleeping_wait(shared_state_base& state);
    ~sleeping_wait();
    sleeping_wait(const sleeping_wait&) = delete;
    sleeping_wait& operator=(const sleeping_wait&) = delete;

private:
    friend struct wait_ring;

    shared_state_base& state_;
    const awaited_futures* const all_; // or null
    mutable std::uint64_t met_ = 0;    // in the search with that number; the ring's
};

/// True if the calling thread is inside of a task.
inline bool is_inside_task() noexcept { return innermost_task != nullptr; }

} // namespace ferry::detail
