// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <ferry/stack_frame.hpp>

#include <string>
#include <vector>

namespace ferry::detail {

/// What is known of a thread that does not leave its handler.
struct late_thread {
    std::vector<stack_frame> stack; // the innermost first; empty if unknown
    bool waits_for_task = false;
    bool sleeps = false; // in the kernel, whatever for
};

/// What the handler seems to do, and what to do instead.
std::string advice_for(const late_thread& thread);

} // namespace ferry::detail
