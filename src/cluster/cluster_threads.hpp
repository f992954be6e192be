// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include "cluster_consumer.hpp"
#include "cluster_state.hpp"

#include <exception>
#include <memory>

namespace ferry::detail::cluster {

/// The threads of a cluster pool. One has a connection on which it publishes, and reads confirms;
/// the other one has a connection on which outcomes and beats arrive, and watches the time. Each
/// connects again by itself, and ends what the other one does with a connection that is dead. User
/// code runs in threads of `process_jobs`.
class cluster_threads {
public:
    explicit cluster_threads(cluster_state& pool) noexcept : pool_(pool), consuming_(pool) {}

    /// Starts all of them unless they have been; for who holds the pool's mutex. `keep` has this
    /// object, and lives as long as the threads. Errors: `std::system_error`, `std::bad_alloc`; the
    /// pool may be broken then.
    void start(const std::shared_ptr<void>& keep);

private:
    kept_connection::steps steps_of_publisher(const std::shared_ptr<void>& keep);
    kept_connection::steps steps_of_consumer(const std::shared_ptr<void>& keep);
    bool is_done() const FERRY_EXCLUDES(pool_.mutex);
    bool lost(const std::exception& why, bool refused) FERRY_EXCLUDES(pool_.mutex);

    cluster_state& pool_;
    cluster_consumer consuming_; // of that thread
};

} // namespace ferry::detail::cluster
