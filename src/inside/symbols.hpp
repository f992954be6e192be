// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <ferry/stack_frame.hpp>

#include <span>
#include <string>
#include <vector>

namespace ferry::detail {

/// Names the frames of a stack of this process; the first is taken as it is, the others as the
/// addresses that calls return to. Not for signal handlers.
std::vector<stack_frame> symbolise(std::span<void* const> addresses);

/// The name of the function at that address of this process, or `module+0x12` without one.
std::string name_of_function(const void* address);

} // namespace ferry::detail
