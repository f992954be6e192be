// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include "cluster_state.hpp"
#include "frame.hpp"

namespace ferry::detail::cluster {

/// What the consuming thread of a cluster pool does: it hears what hosts say, and watches the time,
/// also while there is no connection. Belongs to that thread.
class cluster_consumer {
public:
    explicit cluster_consumer(cluster_state& pool) noexcept : pool_(pool) {}

    /// Uses a connection until the pool has ended. Errors: `connection_error`.
    void use(connection& c) FERRY_EXCLUDES(pool_.mutex);
    /// Does what was due by now. Returns when to call it again.
    timeout::clock::time_point watch_time() FERRY_EXCLUDES(pool_.mutex);

private:
    using clock = timeout::clock;

    void consume_until_done(connection& c) FERRY_EXCLUDES(pool_.mutex);
    void handle(const event& e) FERRY_EXCLUDES(pool_.mutex);
    void handle_outcome(const outcome_frame& f) FERRY_EXCLUDES(pool_.mutex);
    void handle_progress(const progress_frame& f) FERRY_EXCLUDES(pool_.mutex);
    remote_call_ptr take(const outcome_frame& f) FERRY_EXCLUDES(pool_.mutex);
    void publish(remote_call_ptr call, const outcome_frame& f) FERRY_EXCLUDES(pool_.mutex);

    cluster_state& pool_;
    bool was_connected_ = false;
};

} // namespace ferry::detail::cluster
