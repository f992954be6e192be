// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <ferry/timeout.hpp>

#include <optional>
#include <string>

namespace ferry {

/// Options for one task.
struct task_options {
    /// Name of the task in error texts and reports. Default: the name of the callable's type.
    std::string label = {};
    /// Maximum run time, measured from the start of the call. When it expires the future fails with
    /// `timeout_error`. A thread is asked to stop if the callable takes a `std::stop_token`, and
    /// otherwise runs on and keeps its slot; a worker process is ended. With 0 the task fails as
    /// soon as it starts. Default: no limit.
    ferry::timeout timeout = {};
    /// Latest start time. A task that has not started by then is dropped, and its future fails with
    /// `timeout_error`. Default: none.
    std::optional<ferry::timeout::clock::time_point> start_by = {};
    /// Priority: tasks with a higher one run first, and those with equal ones in the order of their
    /// submission. Default: 0.
    int priority = 0;
};

} // namespace ferry
