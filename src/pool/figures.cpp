// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include "figures.hpp"

#include <unordered_map>
#include <vector>

namespace ferry::detail {

pool_stats read_stats(pool_state& pool) {
    pool_stats s;
    if (pool.is_forked_copy())
        return s;
    task_counts sum;
    {
        const scoped_lock lock(pool.mutex);
        s.workers = pool.workers.size_with_retired();
        pool.workers.add_counts_to(sum);
        pool.workers.for_each([&s](const worker& w) { s.running += w.activity.is_idle() ? 0 : 1; });
        // Last: a worker that meets a cancelled task counts it out of the claimed ones before it lets
        // go of that.
        s.queued = pool.queue.live_tasks();
        if (pool.external.queued() != 0)
            pool.external.for_each_waiting([&s](const shared_state_base&) { ++s.queued; });
    }
    s.idle = s.workers - s.running;
    s.cancelled = pool.record.cancelled();
    sum.add_to(s);
    return s;
}

label_registry::figures read_stats_by_label(pool_state& pool) {
    if (pool.is_forked_copy())
        return {};
    struct live_counts {
        std::size_t queued = 0, running = 0;
    };
    std::unordered_map<label_entry*, live_counts> live;
    label_registry& labels = pool.record.labels();
    const auto count = [&](const shared_state_base& t) {
        ++live[&labels.keep(t.statistics_label())].queued;
    };
    const scoped_lock lock(pool.mutex);
    pool.queue.extract([&](const work_item& r) { // which takes nothing out
        if (r.is_task() && !r.stale())
            count(static_cast<const shared_state_base&>(r));
        return false;
    });
    if (pool.external.queued() != 0)
        pool.external.for_each_waiting(count);
    std::vector<const label_table*> tables;
    pool.workers.for_each([&](const worker& w) {
        tables.push_back(&w.labels);
        label_entry* const label = w.running_label.load(std::memory_order_relaxed);
        if (label != nullptr && w.record.label.load(std::memory_order_relaxed) != 0 &&
            !w.activity.is_idle())
            ++live[label].running;
    });
    label_registry::figures figures = labels.read(tables);
    for (const auto& [label, counts] : live) {
        pool_stats& s = figures[labels.name_of(*label)];
        s.queued += counts.queued;
        s.running += counts.running;
    }
    return figures;
}

} // namespace ferry::detail
