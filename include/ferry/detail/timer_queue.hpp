// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <ferry/config.hpp>
#include <ferry/detail/shared_state.hpp>

namespace ferry::detail {

/// Starts the process's timer thread if it does not run yet. Before a state is accepted that will
/// need a timer, so that arming it cannot fail. Errors: `std::system_error`, `std::bad_alloc`.
FERRY_DECL void start_timers();

/// At that time calls `state.on_timer(purpose)` in the timer thread, and then, if that asks for it,
/// `state.expired()` in a thread that may run user code; keeps the state until then. One timer for
/// each state at a time; needs `state.extra`, and `start_timers` before.
FERRY_DECL void arm_timer(shared_state_base& state, timeout::clock::time_point at,
                          timer_purpose purpose) noexcept;

/// Takes the timer back; false if it has fired, or is about to.
FERRY_DECL bool disarm_timer(shared_state_base& state) noexcept;

} // namespace ferry::detail
