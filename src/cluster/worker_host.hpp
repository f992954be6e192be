// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <ferry/cluster/options.hpp>

#include "host_consumer.hpp"
#include "host_publisher.hpp"
#include "host_state.hpp"
#include "task_runner.hpp"

#include <exception>

namespace ferry::detail::cluster {

/// A worker host: a loop that takes tasks from the broker, in front of a local process pool.
///
/// `host_ledger` decides what becomes of a delivery, and `report_outbox` what is said when; the
/// classes that are named here act. The calling thread has a connection on which tasks and notes
/// arrive and on which it acknowledges, and watches the time (`host_consumer`); a second thread has
/// one on which it publishes reports (`host_publisher`). A report is kept until the broker has
/// confirmed it, and published again after the connection was lost. `task_runner` stands between
/// both and the pool.
class worker_host {
public:
    /// Errors: those of `host_state`.
    worker_host(cluster_options options, cluster_worker_options worker_options);
    ~worker_host();

    /// Until it is told to end; the exit code. Errors: `std::system_error`.
    int run();
    /// Ends it; again: at once. From a signal handler.
    void ask_to_end() noexcept { state_.ask_to_end(); }

private:
    bool may_go_on(const std::exception& e, bool refused);

    host_state state_;
    task_runner runner_;
    host_consumer consumer_;
    host_publisher publisher_;
};

} // namespace ferry::detail::cluster
