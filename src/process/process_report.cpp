// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include "process_report.hpp"

#include <fstream>
#include <string>
#include <unistd.h>

namespace ferry::detail {

pool_stats process_report::all() const {
    const scoped_lock lock(pool_.mutex);
    pool_stats s = pool_.figures.all();
    s.queued = pool_.dispatching.queue().size();
    s.workers = pool_.workers.all().size();
    for (const auto& [id, w] : pool_.workers.all()) {
        s.running += w->slots->running() != nullptr ? 1 : 0;
        s.queued += w->promised;
        for (const dispatch_item& i : w->items)
            s.queued += w->slots->is_unstarted(static_cast<const remote_call&>(i)) ? 1 : 0;
    }
    s.idle = s.workers - s.running;
    return s;
}

label_registry::figures process_report::by_label() const {
    const scoped_lock lock(pool_.mutex);
    label_registry::figures figures = pool_.figures.by_label();
    dispatch_queue& queue = pool_.dispatching.queue();
    for (auto* i = queue.first(); i != nullptr; i = queue.after(dispatch_queue::key_of(*i)))
        ++figures[pool_.figures.name_of(static_cast<const remote_call&>(*i))].queued;
    for (const auto& [id, w] : pool_.workers.all()) {
        const remote_call* const running = w->slots->running();
        for (const dispatch_item& i : w->items) {
            const auto& c = static_cast<const remote_call&>(i);
            pool_stats& s = figures[pool_.figures.name_of(c)];
            if (&c == running)
                ++s.running;
            else if (w->slots->is_unstarted(c))
                ++s.queued;
        }
    }
    return figures;
}

void process_report::read(all_figures& to) const {
    pool_figures figures{pool_.options.name, pool_.options.max_workers, all(), by_label(), {}};
    {
        const scoped_lock lock(pool_.mutex);
        for (const auto& [id, w] : pool_.workers.all())
            figures.processes.push_back({w->process->pid(), 0});
    }
    const auto page = static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
    for (auto& p : figures.processes) {
        std::ifstream in("/proc/" + std::to_string(p.pid) + "/statm");
        std::uint64_t size = 0, resident = 0;
        in >> size >> resident;
        p.resident_bytes = resident * page;
    }
    to.pools.push_back(std::move(figures));
}

} // namespace ferry::detail
