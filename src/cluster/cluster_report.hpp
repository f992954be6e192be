// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <ferry/stats.hpp>

#include "cluster_state.hpp"
#include "inside/observed.hpp"

#include <cstddef>

namespace ferry::detail::cluster {

/// What a cluster pool tells of its tasks and of the hosts. Not for a child of fork(). Thread
/// safety: safe.
class cluster_report {
public:
    explicit cluster_report(cluster_state& pool) noexcept : pool_(pool) {}

    pool_stats all() const FERRY_EXCLUDES(pool_.mutex);
    label_registry::figures by_label() const FERRY_EXCLUDES(pool_.mutex);
    void read(all_figures& to) const FERRY_EXCLUDES(pool_.mutex);
    /// The workers of the hosts that are known.
    std::size_t max_workers() const noexcept FERRY_EXCLUDES(pool_.mutex);

private:
    cluster_state& pool_;
};

} // namespace ferry::detail::cluster
