// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include "observer.hpp"

#include "child_processes.hpp"

#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include <utility>

namespace json = boost::json;
using namespace std::chrono_literals;

namespace server {
namespace {

constexpr std::size_t recent_seconds = 10;

double seconds(std::chrono::nanoseconds d) { return std::chrono::duration<double>(d).count(); }

json::value percentiles(const ferry::histogram& of) {
    return {{"p50", seconds(of.quantile(0.5))}, {"p99", seconds(of.quantile(0.99))}};
}

} // namespace

ferry::histogram observer::recent::add(const ferry::histogram& now) {
    before_.push_back(now);
    if (before_.size() > recent_seconds + 1)
        before_.pop_front();
    ferry::histogram difference = now;
    if (before_.size() > recent_seconds) { // before, everything is recent
        for (std::size_t n = 0; n < ferry::histogram::buckets; ++n)
            difference[n] -= before_.front()[n];
    }
    return difference;
}

observer::observer(const http_server& http, const loop_lag& lag,
                   std::shared_ptr<const running_calls> calls, std::vector<pool> pools)
    : http_(http), lag_(lag), calls_(std::move(calls)) {
    for (auto& each : pools)
        pools_.push_back({std::move(each), {}, {}});
    look();
}

asio::awaitable<void> observer::run() {
    asio::steady_timer timer(co_await asio::this_coro::executor);
    for (;;) {
        timer.expires_after(1s);
        co_await timer.async_wait(asio::use_awaitable);
        look();
    }
}

json::value observer::look_at(seen_pool& which) {
    const ferry::pool_stats stats = which.of.stats();
    return {{"name", which.of.name},
            {"max_workers", which.of.max_workers},
            {"max_queue", which.of.max_queue},
            {"workers", stats.workers},
            {"running", stats.running},
            {"queued", stats.queued},
            {"completed", stats.completed},
            {"failed", stats.failed},
            {"cancelled", stats.cancelled},
            {"wait", percentiles(which.queue_wait.add(stats.queue_wait))},
            {"run", percentiles(which.run_time.add(stats.run_time))}};
}

void observer::look() {
    const auto now = std::chrono::steady_clock::now();
    json::array pools, workers, calls;
    for (auto& each : pools_)
        pools.push_back(look_at(each));
    for (const auto& each : child_processes())
        workers.push_back({{"pid", each.pid}, {"age", each.age}, {"memory", each.memory}});
    for (const auto& each : calls_->all())
        calls.push_back({{"label", each.label}, {"age", seconds(now - each.since)}});
    latest_ =
        json::serialize(json::object{{"started", started_.time_since_epoch().count()},
                                     {"time", seconds(now - begin_)},
                                     {"requests", http_.requests()},
                                     {"refused", http_.refused()},
                                     {"connections", http_.connections()},
                                     {"loop_lag", percentiles(recent_lag_.add(lag_.measured()))},
                                     {"pools", std::move(pools)},
                                     {"workers", std::move(workers)},
                                     {"calls", std::move(calls)}});
}

} // namespace server
