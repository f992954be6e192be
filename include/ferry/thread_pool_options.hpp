// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <ferry/pool_options.hpp>
#include <ferry/timeout.hpp>

#include <chrono>
#include <cstddef>
#include <functional>
#include <optional>
#include <string>

namespace ferry {

/// Options for a thread pool.
///
/// @par Errors
/// A value out of range makes the constructor throw `std::invalid_argument` naming the option.
struct thread_pool_options {
    /// Maximum number of worker threads, in the range [1, 65536]. Default: `io_bound_workers()`.
    std::size_t max_workers = io_bound_workers();
    /// Prefix of the worker threads' names. It is truncated so that prefix and worker number
    /// together fit the kernel's 15-character limit. Default: `ferry-N`, unique per pool.
    std::string thread_name_prefix = {};
    /// Function that each worker calls once before its first task. An exception it throws breaks
    /// the pool (see `broken_thread_pool`). All workers invoke the same function object, possibly
    /// concurrently. Default: none.
    std::function<void()> initializer = {};
    /// Function that each worker whose initializer succeeded calls once before it ends. An
    /// exception it throws goes to the handler installed by `set_unhandled_callback`. Default:
    /// none.
    std::function<void()> finalizer = {};
    /// Name of the pool in reports. Default: `thread-N`, unique per pool.
    std::string name = {};
    /// Size of each worker's stack in bytes, at least the system's minimum; 0 (the default) means
    /// the system's default.
    std::size_t stack_size = 0;
    /// Maximum number of queued tasks; 0 (the default) means unlimited. Functions posted through
    /// the executor are not counted.
    std::size_t max_queue = 0;
    /// Maximum sum of the `task_options::bytes` of the queued tasks; 0 (the default) means
    /// unlimited. A task that exceeds it alone is refused at once.
    std::size_t max_queue_bytes = 0;
    /// Longest wait for a worker, measured from the call. A task that by the present estimate would
    /// wait longer, or past its own `start_by`, is refused at once with `queue_full_error`; one
    /// that has waited longer fails with `timeout_error`. 0 refuses every task that cannot start at
    /// once. Calls of `map` are exempt. Default: none.
    timeout max_wait = {};
    /// Action for a task that finds the queue full; the pool's own workers never find it full.
    /// Default: block.
    ferry::when_full when_full = ferry::when_full::block;
    /// A worker that stays idle for this long exits; a new one is started on demand. Default:
    /// workers never exit.
    ferry::timeout idle_timeout = {};
    /// Time for which an idle worker polls for work before it sleeps, at the cost of CPU time. If
    /// empty (the default), the pool adapts: it spins for at most as long as wake-ups take on this
    /// machine, which it measures, while recent spinning found work, and never on the CPU that
    /// submits the work. 0 means never.
    std::optional<std::chrono::nanoseconds> spin = {};
};

} // namespace ferry
