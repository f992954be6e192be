// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <ferry/pool_options.hpp>
#include <ferry/timeout.hpp>

#include "cluster_state.hpp"

#include <cstddef>
#include <cstdint>
#include <string>

namespace ferry::detail::cluster {

/// Ends a cluster pool, in order or not. Not for a child of fork(). Thread safety: safe.
class cluster_shutdown {
public:
    explicit cluster_shutdown(cluster_state& pool) noexcept : pool_(pool) {}

    /// No more tasks; with `cancel`, what has not started is cancelled. The number of those.
    std::size_t close(bool cancel) FERRY_EXCLUDES(pool_.mutex);
    /// Waits until all tasks have ended and the callbacks have run.
    void join() FERRY_EXCLUDES(pool_.mutex);
    /// Closes it, and joins it; what is not done by then is cancelled, or fails.
    shutdown_report close_within(timeout limit) FERRY_EXCLUDES(pool_.mutex);
    /// It cannot do its work: all tasks fail, and its threads end.
    void break_for(const std::string& why) noexcept FERRY_EXCLUDES(pool_.mutex);

private:
    std::uint64_t ended() const FERRY_REQUIRES(pool_.mutex);
    void give_up_what_runs(shutdown_report& report) FERRY_EXCLUDES(pool_.mutex);
    void join_connections() FERRY_EXCLUDES(pool_.mutex);

    cluster_state& pool_;
};

} // namespace ferry::detail::cluster
