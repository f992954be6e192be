// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include "broker_address.hpp"
#include "connection.hpp"

#include <chrono>
#include <string>

namespace ferry::detail::cluster {

/// The queues of a pool at the broker, and the exchange that reaches all hosts.
class pool_queues {
public:
    explicit pool_queues(const cluster_options& options);

    void declare_tasks(connection& c) const;
    void declare_replies(connection& c) const;

    const std::string exchange;
    const std::string tasks;
    const std::string replies; ///< for this pool alone

private:
    const queue_options task_options_;
    const queue_options reply_options_;
};

} // namespace ferry::detail::cluster
