// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <ferry/cluster/options.hpp>
#include <ferry/config.hpp>

namespace ferry {

/// Makes this process a worker host: it takes tasks from the queue of `options.application` and
/// runs them in the worker processes of a local `process_pool`, until SIGTERM or SIGINT tells it to
/// end.
///
/// It runs what is in the table of this program's code and nothing else; whatever else a message
/// names is refused, logged to standard error, and answered with `remote_error`. On SIGTERM it
/// takes no more tasks, gives back those that it has not started, and lets the others go on for
/// `cluster_worker_options::drain`; what still runs then is ended with its worker. A broker that
/// cannot be reached is tried again forever.
///
/// @par Preconditions
/// `main` begins with `run_worker_if_spawned()`. One call at a time in a process: it handles the
/// two signals while it runs, and restores their handlers then.
///
/// @par Blocking
/// Until the host has ended.
///
/// @par Errors
/// `std::invalid_argument` naming an option that cannot be used, and what the constructor of
/// `process_pool` throws. Returns 0 after a signal, and 1, with a line on standard error, if the
/// broker refuses the host: its password, certificate, virtual host or queue.
///
/// @par Example
/// @code
/// if (argc > 1 && argv[1] == "serve"sv)
///     return ferry::serve_cluster_worker(at, {.processes = {.max_workers = 8}, .drain = 30s});
/// @endcode
FERRY_DECL int serve_cluster_worker(cluster_options options,
                                    cluster_worker_options worker_options = {});

} // namespace ferry
