// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <ferry/config.hpp>
#include <ferry/timeout.hpp>

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <vector>

namespace ferry {

/// Selects what `submit` does when the bounded queue is full: wait for room, or throw
/// `queue_full_error`.
enum class when_full { block, reject };

/// Returns a number of workers for calls that mostly wait: min(32, cpus + 4), Python's default.
///
/// Waiting threads use no CPU, so a few more threads than CPUs keep the CPUs busy. Beyond 32, extra
/// threads mainly cost memory; raise the limit only if each call blocks for a long time.
FERRY_DECL std::size_t io_bound_workers();

/// Returns a number of workers for calls that mostly compute: one for each CPU that the process may
/// use, because additional workers only add context switches.
///
/// CPU affinity and the cgroup's quota are taken into account; the environment variable
/// `FERRY_CPUS` overrides both.
FERRY_DECL std::size_t cpu_bound_workers();

/// Options for the `map` of a pool.
struct map_options {
    /// Limit for the whole `map`, measured from the call. Default: no limit.
    ferry::timeout timeout = {};
    /// Number of elements sent to a worker process as one task; at least 1. Ignored by
    /// `thread_pool`. Default: 1. A large number saves overhead per element, but a worker's death
    /// fails its whole chunk, and the last chunks may leave workers idle.
    std::size_t chunksize = 1;
    /// Maximum number of inputs submitted ahead of the element being read; at least 1. If empty
    /// (the default), all inputs are submitted immediately, so an infinite range needs a
    /// `buffersize`.
    std::optional<std::size_t> buffersize = {};
};

/// Options for the `shutdown` of a pool.
struct shutdown_options {
    /// Whether `shutdown` blocks until every worker has ended. Default: true.
    bool wait = true;
    /// Whether tasks that have not started are cancelled instead of run. Default: false.
    bool cancel_futures = false;
};

/// Result of a shutdown with a deadline.
struct shutdown_report {
    /// A task that was still running at the deadline.
    struct stuck_task {
        std::string label;            ///< the task's label, or the name of the callable's type
        std::chrono::nanoseconds age; ///< time since the task started
    };
    std::size_t finished = 0;      ///< number of tasks that ended after the call
    std::size_t dropped = 0;       ///< number of tasks cancelled at the deadline
    std::vector<stuck_task> stuck; ///< tasks still running at the deadline, in no particular order
    std::string trace; ///< file with the last events of the pool; empty if none was written
};

} // namespace ferry
