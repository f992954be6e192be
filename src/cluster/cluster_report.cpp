// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
// What a cluster pool tells of its tasks and of the hosts.
#include "cluster_core.hpp"

#include "process/wire.hpp"

namespace ferry::detail::cluster {

std::size_t cluster_core::workers_known() const noexcept {
    std::size_t n = 0;
    for (const auto& [name, h] : ledger_.hosts()) {
        if (h.build == tasks_name_)
            n += h.workers;
    }
    return n;
}

std::size_t cluster_core::free_workers() const noexcept {
    const std::size_t all = workers_known();
    const std::size_t busy = ledger_.running() + ledger_.unstarted();
    return all > busy ? all - busy : 0;
}

std::size_t cluster_core::max_workers() const noexcept {
    const lock_type lock(mutex_);
    return workers_known();
}

// In the recording a worker is a task that runs, with the process of its host.
void cluster_core::note_start(call_entry& e, const std::string& host) noexcept {
    e.started_ns = wire::now_ns();
    const auto it = ledger_.hosts().find(host);
    const std::int32_t pid = it != ledger_.hosts().end() ? it->second.pid : 0;
    if (e.record == 0)
        e.record = figures_.add_worker(static_cast<std::uint32_t>(pid), pid);
    figures_.worker_runs(e.record, e.call.get());
}

void cluster_core::note_end_of_run(call_entry& e) noexcept {
    e.started_ns = 0;
    figures_.remove_worker(std::exchange(e.record, 0));
}

pool_stats cluster_core::stats_now() const {
    pool_stats s = figures_.all();
    s.workers = workers_known();
    s.queued = ledger_.unstarted();
    s.running = ledger_.running();
    s.idle = s.workers > s.running ? s.workers - s.running : 0;
    return s;
}

pool_stats cluster_core::stats() {
    if (is_forked_copy())
        throw shutdown_error("the pool belongs to the process that this one was forked from");
    const lock_type lock(mutex_);
    return stats_now();
}

label_registry::figures cluster_core::stats_by_label() {
    if (is_forked_copy())
        throw shutdown_error("the pool belongs to the process that this one was forked from");
    const lock_type lock(mutex_);
    label_registry::figures figures = figures_.by_label();
    for (const auto& [number, e] : calls_) {
        if (e.in_line)
            continue;
        pool_stats& s = figures[figures_.name_of(*e.call)];
        ++(e.started_ns != 0 ? s.running : s.queued);
    }
    return figures;
}

void cluster_core::read(all_figures& to) {
    if (is_forked_copy())
        return;
    pool_figures figures;
    figures.name = options_.name;
    figures.by_label = stats_by_label();
    {
        const lock_type lock(mutex_);
        figures.all = stats_now();
        figures.max_workers = figures.all.workers;
    }
    to.pools.push_back(std::move(figures));
}

} // namespace ferry::detail::cluster
