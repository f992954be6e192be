// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

namespace ferry {

/// The first statement of `main` in a program that uses a `process_pool`. In a worker process it
/// runs the tasks and never returns: it leaves with `_exit` after flushing the standard streams.
/// Elsewhere it returns at once. Where `main` is not yours, a global fixture of the test framework
/// will do.
void run_worker_if_spawned();

} // namespace ferry
