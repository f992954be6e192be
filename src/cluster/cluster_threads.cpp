// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include "cluster_threads.hpp"

#include "cluster_publisher.hpp"
#include "cluster_shutdown.hpp"

namespace ferry::detail::cluster {

// All of them before the first task, so that whoever asks hears where there are none to be had.
void cluster_threads::start(const std::shared_ptr<void>& keep) {
    pool_.mutex.assert_held();
    if (pool_.consumer.has_started())
        return;
    pool_.jobs.start(keep);
    pool_.publisher.start("ferry-publish", steps_of_publisher(keep));
    try {
        pool_.consumer.start("ferry-consume", steps_of_consumer(keep));
    } catch (...) {
        pool_.phase.break_for("a thread of the pool could not be started");
        pool_.publisher.wake().signal();
        throw;
    }
}

kept_connection::steps cluster_threads::steps_of_publisher(const std::shared_ptr<void>& keep) {
    return {.is_done = [this, keep] { return is_done(); },
            .use = [this](connection& c) { cluster_publisher(pool_, c).run(); },
            .lost = [this](const std::exception& e, bool refused) { return lost(e, refused); },
            .pause =
                [this] {
                    pool_.consumer.interrupt_if_dead();
                    return timeout::clock::time_point::max();
                }};
}

kept_connection::steps cluster_threads::steps_of_consumer(const std::shared_ptr<void>& keep) {
    return {.is_done = [this, keep] { return is_done(); },
            .use = [this](connection& c) { consuming_.use(c); },
            .lost = [this](const std::exception& e, bool refused) { return lost(e, refused); },
            .pause =
                [this] {
                    const auto next = consuming_.watch_time();
                    pool_.publisher.interrupt_if_dead();
                    return next;
                }};
}

bool cluster_threads::is_done() const {
    const annotated_lock lock(pool_.mutex);
    return pool_.phase.is_done();
}

// Whether it is of use to connect again.
bool cluster_threads::lost(const std::exception& why, bool refused) {
    if (refused) {
        cluster_shutdown(pool_).break_for(why.what());
        return false;
    }
    const annotated_lock lock(pool_.mutex);
    pool_.errors.connect_failed(why.what());
    return true;
}

} // namespace ferry::detail::cluster
