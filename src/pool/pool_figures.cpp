// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include "pool_core.hpp"

// What a pool tells of itself.

namespace ferry::detail {

void pool_core::note_submission(shared_state_base& task) noexcept {
    const std::uint64_t now = steady_now();
    const bool recorded = sampler_.records();
    task.stamp.store(stamp_of(now, recorded), std::memory_order_relaxed);
    if (!recorded)
        return;
    std::uint32_t label = 0;
    try {
        label = labels_.keep(task.statistics_label()).record;
    } catch (const std::bad_alloc&) { // then it goes without
    }
    record(recording::event::submitted, task, label, now);
}

pool_stats pool_core::stats() {
    pool_stats s;
    if (is_forked_copy())
        return s;
    task_counts sum;
    {
        const scoped_lock lock(mutex_);
        s.workers = workers_.size_with_retired();
        workers_.add_counts_to(sum);
        workers_.for_each(
            [&s](const worker& w) { s.running += w.current.load() != nullptr ? 1 : 0; });
        // Last: a worker that meets a cancelled task counts it out of the claimed ones before it lets go of that.
        s.queued = queue_.live_tasks();
    }
    s.idle = s.workers - s.running;
    s.cancelled = cancelled_.load(std::memory_order_relaxed);
    sum.add_to(s);
    return s;
}

label_registry::figures pool_core::stats_by_label() {
    if (is_forked_copy())
        return {};
    struct live_counts {
        std::size_t queued = 0, running = 0;
    };
    std::unordered_map<label_entry*, live_counts> live;
    const scoped_lock lock(mutex_);
    queue_.extract([&](const work_item& r) { // which takes nothing out
        if (r.is_task() && !r.stale())
            ++live[&labels_.keep(static_cast<const shared_state_base&>(r).statistics_label())]
                  .queued;
        return false;
    });
    std::vector<const label_table*> tables;
    workers_.for_each([&](const worker& w) {
        tables.push_back(&w.labels);
        label_entry* const label = w.running_label.load(std::memory_order_relaxed);
        if (label != nullptr && w.current.load() != nullptr)
            ++live[label].running;
    });
    label_registry::figures figures = labels_.read(tables);
    for (const auto& [label, counts] : live) {
        pool_stats& s = figures[labels_.name_of(*label)];
        s.queued += counts.queued;
        s.running += counts.running;
    }
    return figures;
}

void pool_core::read(all_figures& to) {
    to.pools.push_back({options_.name, options_.max_workers, stats(), stats_by_label(), {}});
}

} // namespace ferry::detail
