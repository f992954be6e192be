// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include "worker_host.hpp"

#include <chrono>
#include <cstdio>
#include <string>
#include <utility>

namespace ferry::detail::cluster {

worker_host::worker_host(cluster_options options, cluster_worker_options worker_options)
    : state_(std::move(options), std::move(worker_options)), runner_(state_),
      consumer_(state_, runner_), publisher_(state_, runner_) {}

worker_host::~worker_host() {
    state_.pool.shutdown(); // its threads use the rest
}

int worker_host::run() {
    const auto lost = [this](const std::exception& e, bool refused) {
        return may_go_on(e, refused);
    };
    publisher_.start(lost);
    consumer_.run(lost);
    state_.pool.kill_workers();
    std::string failure;
    {
        const annotated_lock lock(state_.mutex);
        state_.phase.stop();
        failure = state_.phase.failure();
    }
    state_.publisher.wake().signal();
    state_.publisher.finish(std::chrono::seconds(failure.empty() ? 1 : 0));
    if (failure.empty())
        return 0;
    std::fprintf(stderr, "ferry: serve_cluster_worker: %s\n", failure.c_str());
    return 1;
}

// Notes why the broker refuses this host; true if it is worth trying again.
bool worker_host::may_go_on(const std::exception& e, bool refused) {
    if (dynamic_cast<const connection_error*>(&e) == nullptr)
        std::fprintf(stderr, "ferry: %s\n", e.what());
    if (!refused)
        return true;
    const annotated_lock lock(state_.mutex);
    state_.phase.fail(e.what());
    state_.phase.stop();
    state_.publisher.wake().signal();
    state_.consumer.wake().signal();
    return false;
}

} // namespace ferry::detail::cluster
