// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <ferry/timeout.hpp>

#include <optional>
#include <string>

namespace ferry {

/// How one task is to be run.
struct task_options {
    /// What error texts and reports call the task; empty: the name of the callable's type.
    std::string label = {};
    /// From the start of the run. When it expires the future fails with `timeout_error`; a thread
    /// is asked to stop, where the callable takes a `std::stop_token`, and goes on otherwise,
    /// keeping its slot. 0 expires at once.
    ferry::timeout timeout = {};
    /// A task that has not started by then never runs: `timeout_error`.
    std::optional<ferry::timeout::clock::time_point> start_by = {};
    /// Higher runs first; first in, first out within one priority.
    int priority = 0;
};

} // namespace ferry
