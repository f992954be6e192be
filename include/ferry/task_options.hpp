// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <ferry/timeout.hpp>

#include <cstddef>
#include <functional>
#include <optional>
#include <source_location>
#include <string>

namespace ferry {

/// A report that a running task has made with `report_progress`.
struct progress {
    double done = 0;       ///< as the task counts it, often a fraction from 0 to 1
    std::string note = {}; ///< free text
};

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
    /// Number of bytes that the task holds while it waits, which count towards the pool's
    /// `max_queue_bytes`. Default: 0; in a process pool the encoded arguments are counted as well.
    std::size_t bytes = 0;
    /// Called with each report made through `report_progress`. In a thread pool it runs inside that
    /// function, otherwise where the callbacks of the future run; at most every 20 ms, and always
    /// with the last report before the future is done. An exception it throws goes to the handler
    /// of `set_unhandled_callback`. Default: none.
    std::function<void(progress)> on_progress = {};
    /// Whether the task may be started again if the worker process, or the machine, that ran it
    /// has died. Threads ignore it. Default: false.
    bool idempotent = false;
    /// Maximum number of starts, the first one included; at least 1. More than one counts only for
    /// an `idempotent` task. Only the death of a worker starts a task again: not an exception, nor
    /// its `timeout`, a limit, a cancellation or `kill_workers`. Threads ignore it. Default: 1.
    unsigned attempts = 1;
    /// Source location of the options; names the task in statistics if it has no label.
    std::source_location where = std::source_location::current();
};

} // namespace ferry
