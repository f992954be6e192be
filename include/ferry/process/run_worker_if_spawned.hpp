// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <ferry/config.hpp>

namespace ferry {

/// Runs the tasks of a pool if this process is one of its workers, and otherwise returns at once.
/// It must be the first statement of `main` in a program that uses a `process_pool`.
///
/// In a worker process it never returns: it leaves with `_exit` after flushing the standard
/// streams. If you do not control `main`, call it from a global fixture of the test framework.
///
/// @par Blocking
/// In a worker until the pool ends it; otherwise never.
///
/// @par Example
/// @code
/// int main() {
///     ferry::run_worker_if_spawned();
///     ferry::process_pool pool;
///     return pool.submit(count_primes, 1000).result() == 168 ? 0 : 1;
/// }
/// @endcode
FERRY_DECL void run_worker_if_spawned();

/// Returns true in a worker process of a pool, before `main` and in its tasks alike; a child that a
/// task makes by fork() counts as one.
///
/// @par Thread safety
/// Safe.
FERRY_DECL bool is_worker_process() noexcept;

} // namespace ferry
