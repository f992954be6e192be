// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include "connection.hpp"
#include "host_state.hpp"
#include "task_runner.hpp"

#include <chrono>
#include <exception>
#include <functional>

namespace ferry::detail::cluster {

/// The thread of a worker host that publishes reports, and hears which of them the broker has. It
/// also makes the reports of outcomes. But for `start`, only that thread uses it.
class host_publisher {
public:
    host_publisher(host_state& state, task_runner& runner) noexcept
        : state_(state), runner_(runner) {}

    /// Starts the thread, which ends once the host is stopped. `lost` is
    /// `kept_connection::steps::lost`. Errors: `std::system_error`.
    void start(std::function<bool(const std::exception& why, bool refused)> lost);

private:
    using clock = std::chrono::steady_clock;

    bool is_stopped() const;
    void publish(connection& c);
    void publish_until_stopped(connection& c);
    bool publish_some(connection& c);
    bool read_events(connection& c);
    void on_confirm(const event& e);
    void on_return(const event& e);
    clock::time_point retry_returned();

    host_state& state_;
    task_runner& runner_;
    bool blocked_ = false; // the broker accepts nothing for now
};

} // namespace ferry::detail::cluster
