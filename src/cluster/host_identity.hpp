// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <ferry/cluster/options.hpp>

#include "broker_address.hpp"
#include "host_ledger.hpp"
#include "report.hpp"

#include <chrono>
#include <cstddef>
#include <string>

namespace ferry::detail::cluster {

/// Who a worker host is, and how it says so. Constant, so safe for every thread.
class host_identity {
public:
    /// Errors: `std::invalid_argument` for options that no host can use.
    host_identity(cluster_options o, cluster_worker_options w);

    /// To everybody.
    report announcement(std::size_t workers, bool leaving) const;
    /// The same, to who has asked.
    report announcement_to(const std::string& reply_to, std::size_t workers) const;
    report started(const task_id& id) const;
    report declined(const task_id& id, decline_reason why) const;
    /// Which tasks of a pool it has.
    report beat_to(const std::string& reply_to, host_ledger::known_tasks known) const;

    const cluster_options options;
    const cluster_worker_options worker_options;
    const broker_address address;
    const std::string tasks_name;
    const std::string exchange;
    const std::string name; ///< of this host, and of the queue for notes to it
    const std::chrono::nanoseconds beat;

private:
    std::chrono::milliseconds beat_ms() const noexcept {
        return std::chrono::ceil<std::chrono::milliseconds>(beat);
    }
};

} // namespace ferry::detail::cluster
