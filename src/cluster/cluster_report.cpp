// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include "cluster_report.hpp"

#include <utility>

namespace ferry::detail::cluster {

pool_stats cluster_report::all() const {
    const annotated_lock lock(pool_.mutex);
    pool_stats s = pool_.figures.all();
    s.workers = pool_.book.hosts().workers_for(pool_.queues.tasks);
    s.queued = pool_.book.tasks().unstarted();
    s.running = pool_.book.tasks().running();
    s.idle = s.workers > s.running ? s.workers - s.running : 0;
    return s;
}

label_registry::figures cluster_report::by_label() const {
    const annotated_lock lock(pool_.mutex);
    label_registry::figures figures = pool_.figures.by_label();
    for (const auto& [number, c] : pool_.calls.all()) {
        if (c.in_line)
            continue;
        pool_stats& s = figures[pool_.figures.name_of(*c.call)];
        ++(c.started_ns != 0 ? s.running : s.queued);
    }
    return figures;
}

void cluster_report::read(all_figures& to) const {
    pool_figures figures;
    figures.name = pool_.options.name;
    figures.by_label = by_label();
    figures.all = all();
    figures.max_workers = figures.all.workers;
    to.pools.push_back(std::move(figures));
}

std::size_t cluster_report::max_workers() const noexcept {
    const annotated_lock lock(pool_.mutex);
    return pool_.book.hosts().workers_for(pool_.queues.tasks);
}

} // namespace ferry::detail::cluster
