// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <ferry/config.hpp>
#include <ferry/task_options.hpp>

#include <string_view>

namespace ferry {

/// Reports to `task_options::on_progress` how far the task that the calling thread runs has come.
///
/// In a task without `on_progress`, and outside of tasks, it does nothing. Reports that follow each
/// other within 20 ms are held back, and only the latest of them is delivered: with the next report
/// after that time, or before the future is done. A task that a waiting worker helps with reports
/// to its own `on_progress`.
///
/// @param done  how far the task is, as it counts that, often a fraction from 0 to 1
/// @param note  free text; a worker process sends at most the first 4096 bytes
///
/// @par Executor
/// On threads `on_progress` runs inside this function; for a worker process it runs where the
/// callbacks of the pool's futures run.
///
/// @par Errors
/// An exception that escapes `on_progress` goes to the handler of `set_unhandled_callback`.
///
/// @par Blocking
/// On threads, as long as `on_progress` takes; else never.
///
/// @par Thread safety
/// Safe. A thread that the task has started is outside of the task.
///
/// @par Example
/// @code
/// ferry::task_options options{.on_progress = [](const ferry::progress& p) {
///     std::cout << p.note << ": " << p.done * 100 << " %\n";
/// }};
/// ferry::future<void> f = pool.submit(options, [] {
///     for (int row = 1; row <= 1000; ++row)
///         ferry::report_progress(row / 1000.0, "import");
/// });
/// @endcode
FERRY_DECL void report_progress(double done, std::string_view note = {});

} // namespace ferry
