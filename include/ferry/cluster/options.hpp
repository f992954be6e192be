// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <ferry/cluster/code_table.hpp>
#include <ferry/process/options.hpp>

#include <chrono>
#include <cstddef>
#include <filesystem>
#include <functional>
#include <string>

namespace ferry {

/// Options that the pools and the worker hosts of a cluster share.
///
/// @par Errors
/// A value that cannot be used makes the constructor of a pool, and `serve_cluster_worker`, throw
/// `std::invalid_argument` naming the option.
struct cluster_options {
    /// The broker: `amqps://user@host[:port]/vhost`, or `amqp://` without TLS, which only loopback
    /// may be asked for unless `allow_plaintext` is set. Without a user: `guest`.
    std::string url = {};
    /// File whose first line is the password; read for each connection. Default: none.
    std::filesystem::path password_file = {};
    /// Called for the password for each connection, in a thread of the pool; precedes
    /// `password_file`. Default: none.
    std::function<std::string()> password = {};
    /// File with the certificates of the authorities that the broker's is checked with, in PEM. If
    /// empty (the default), those of the system.
    std::filesystem::path ca_file = {};
    /// Name of the application: pools and hosts of one name work together. Letters, digits, `.`,
    /// `_` and `-`, at most 100.
    std::string application = {};
    /// Which hosts may run the tasks. Default: those that run the same binary.
    cluster_match match = cluster_match::same_build;
    /// Name of the pool in reports. Default: `cluster-N`, unique per pool.
    std::string name = {};
    /// Maximum number of tasks that this pool has submitted and no host has reported started; 0
    /// (the default) means unlimited.
    std::size_t max_queue = 0;
    /// Maximum sum of those tasks' encoded arguments and `task_options::bytes`; 0 (the default)
    /// means unlimited. A task that exceeds it alone is refused at once.
    std::size_t max_queue_bytes = 0;
    /// Longest wait for a worker, as in `thread_pool_options`. Default: none.
    timeout max_wait = {};
    /// Whether a task that finds the queue full waits or is refused. Default: block.
    ferry::when_full when_full = ferry::when_full::block;
    /// Maximum size of a message in bytes: of encoded arguments, and of an encoded result. At most
    /// 128 MiB. Default: 16 MiB.
    std::size_t max_message = std::size_t(16) << 20;
    /// Maximum number of tasks in the broker's queue, for all pools together; the broker refuses
    /// more, which is `queue_full_error` whatever `when_full` says. Part of the queue's identity:
    /// the same for all pools and hosts. 0 (the default) means unlimited.
    std::size_t broker_queue_limit = 0;
    /// How often hosts tell that they live; two missed beats are a lost host. Also the heartbeat of
    /// the connections, in whole seconds. Default: 10 s.
    timeout heartbeat = std::chrono::seconds(10);
    /// How long a task without `start_by` waits for a broker that is out of reach. Default: 60 s.
    timeout connect_limit = std::chrono::seconds(60);
    /// Whether tasks and results survive a restart of the broker, at the price of a write to its
    /// disk for each. Part of the queue's identity. Default: false.
    bool durable = false;
    /// Whether a connection without TLS may leave this machine. Default: false.
    bool allow_plaintext = false;
};

/// Options for `serve_cluster_worker`.
struct cluster_worker_options {
    /// The worker processes of this host.
    process_pool_options processes = {};
    /// How long running tasks may go on after SIGTERM or SIGINT. Default: 30 s.
    timeout drain = std::chrono::seconds(30);
    /// Longest run of a task, which has to be shorter than the broker's `consumer_timeout` (30
    /// minutes unless configured): beyond it the task fails with `timeout_error`. Default: 25 min.
    timeout max_run = std::chrono::minutes(25);
};

} // namespace ferry
