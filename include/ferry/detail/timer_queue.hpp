// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <ferry/detail/shared_state.hpp>

namespace ferry::detail {

/// Calls `state.on_timer(purpose)` at that time, in the process's one timer thread, and keeps the state
/// until then. One timer for each state; needs `state.extra`.
void arm_timer(shared_state_base& state, timeout::clock::time_point at, timer_purpose purpose);
/// Takes it back; false when it has fired, or is about to.
bool disarm_timer(shared_state_base& state) noexcept;

} // namespace ferry::detail
