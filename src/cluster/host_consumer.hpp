// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include "connection.hpp"
#include "host_state.hpp"
#include "task_runner.hpp"

#include <chrono>
#include <functional>
#include <string>

namespace ferry::detail::cluster {

/// The thread of a worker host that takes tasks and notes from the broker and acknowledges them,
/// and watches the time. Only that thread uses it.
class host_consumer {
public:
    host_consumer(host_state& state, task_runner& runner) noexcept
        : state_(state), runner_(runner) {}

    /// Until the host is over. `lost` is `kept_connection::steps::lost`.
    void run(std::function<bool(const std::exception& why, bool refused)> lost);

private:
    using clock = std::chrono::steady_clock;

    void consume(connection& c);
    void consume_until_done(connection& c);
    void lose_deliveries();

    bool take_some(connection& c);
    void handle(connection& c, const event& e);
    bool acknowledge_all(connection& c);

    void watch_time(connection* c);
    void begin_to_drain(connection* c);
    void beat(clock::time_point now);
    clock::time_point next_time() const;

    host_state& state_;
    task_runner& runner_;
    clock::time_point next_beat_{};
};

} // namespace ferry::detail::cluster
