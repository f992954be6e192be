// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include "http_server.hpp"
#include "loop_lag.hpp"
#include "running_calls.hpp"

#include <ferry/stats.hpp>

#include <boost/asio/awaitable.hpp>
#include <boost/json/value.hpp>

#include <chrono>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace server {

/// Looks at the server once a second, for its live page. In the thread of the event loop.
class observer {
public:
    struct pool {
        std::string name;
        std::size_t max_workers;
        std::size_t max_queue;
        std::function<ferry::pool_stats()> stats;
    };

    /// What is referred to must outlive it.
    observer(const http_server& http, const loop_lag& lag,
             std::shared_ptr<const running_calls> calls, std::vector<pool> pools);

    /// Looks until the context stops.
    asio::awaitable<void> run();

    /// What it saw last, as JSON on one line.
    const std::string& latest() const noexcept { return latest_; }

private:
    /// Tells of the last seconds, of a histogram that only grows.
    class recent {
    public:
        ferry::histogram add(const ferry::histogram& now);

    private:
        std::deque<ferry::histogram> before_;
    };
    struct seen_pool {
        pool of;
        recent queue_wait, run_time;
    };

    void look();
    boost::json::value look_at(seen_pool& which);

    const http_server& http_;
    const loop_lag& lag_;
    const std::shared_ptr<const running_calls> calls_;
    std::vector<seen_pool> pools_;
    recent recent_lag_;
    const std::chrono::steady_clock::time_point begin_ = std::chrono::steady_clock::now();
    const std::chrono::system_clock::time_point started_ = std::chrono::system_clock::now();
    std::string latest_;
};

} // namespace server
