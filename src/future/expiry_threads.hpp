// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <ferry/detail/shared_state.hpp>

namespace ferry::detail {

/// Threads of the process that run the user's part of an expired timer: stop callbacks,
/// done-callbacks, and destructors, which the timer thread must not wait for.
///
/// One thread serves as long as what it runs is short. `relieve`, which the timer thread calls,
/// starts another one when something has waited for `patience` behind user code that takes long or
/// waits for something else that waits here; so whatever they wait for, all of it gets its turn.
/// Threads that have nothing to do end after a while.

/// Before the first timer is armed. Errors: `std::bad_alloc`.
void prepare_expiry_threads();

/// Takes over one reference. Never fails: an expired state has room for its place in the queue.
void run_expired(shared_state_base& state) noexcept;

/// Starts another thread if what waits has waited for too long. Says when to ask again, if
/// something waits. For the timer thread.
std::optional<timeout::clock::time_point> relieve_expiry_threads() noexcept;

/// The owner whose expired task the calling thread is in, or null.
const task_owner* expiring_owner() noexcept;

} // namespace ferry::detail
