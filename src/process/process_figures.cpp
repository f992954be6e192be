// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include "process_figures.hpp"

#include "process_core.hpp"

#include <algorithm>
#include <fstream>

#include <unistd.h>

#include <bit>

namespace ferry::detail {

using recording::event;

process_figures::process_figures(const std::string& name, std::size_t max_workers)
    : pool_(recorder::instance().add_pool(recording::pool::processes, name, max_workers)) {}

process_figures::~process_figures() { recorder::instance().remove_pool(pool_); }

std::uint32_t process_figures::name_record(const remote_call& c) noexcept {
    const label_counts* const counts = table_.find(c.state().statistics_label());
    return counts != nullptr ? counts->entry.record : 0;
}

void process_figures::record(std::uint32_t kind, const remote_call& c, std::uint64_t at) noexcept {
    if (pool_ != 0)
        recorder::instance().record(pool_, kind, &c.state(), name_record(c), at);
}

void process_figures::submitted(const remote_call& c) noexcept {
    record(event::submitted, c, static_cast<std::uint64_t>(c.submitted_ns));
}

void process_figures::answered(const remote_call& c, bool failed, std::int64_t wait,
                               std::int64_t run) noexcept {
    const auto add = [](histogram& h, std::int64_t ns) {
        ++h[histogram::bucket_of(std::chrono::nanoseconds(ns))];
        h.add_to_sum(std::chrono::nanoseconds(ns));
    };
    ++(failed ? all_.failed : all_.completed);
    add(all_.queue_wait, wait);
    add(all_.run_time, run);
    if (label_counts* const l = table_.find(c.state().statistics_label())) {
        task_counts::increment(failed ? l->failed : l->completed);
        l->queue_wait.record(static_cast<std::uint64_t>(wait) >> 10);
        l->run_time.record(static_cast<std::uint64_t>(run) >> 10);
    }
    const auto started = static_cast<std::uint64_t>(c.submitted_ns + wait);
    record(event::started, c, started);
    record(failed ? event::failed : event::completed, c, started + static_cast<std::uint64_t>(run));
}

void process_figures::failed(const remote_call& c) noexcept {
    ++all_.failed;
    if (label_counts* const l = table_.find(c.state().statistics_label()))
        task_counts::increment(l->failed);
    record(event::failed, c, steady_now());
}

void process_figures::cancelled(const remote_call& c) noexcept {
    ++all_.cancelled;
    labels_.count_cancelled(c.state().statistics_label());
    record(event::cancelled, c, steady_now());
}

void process_figures::queue_has(std::size_t tasks) noexcept {
    if (auto* const p = recorder::instance().pool(pool_))
        p->pushed.store(tasks, std::memory_order_relaxed);
}

std::uint32_t process_figures::add_worker(std::uint32_t number, int pid) noexcept {
    const std::uint32_t r = recorder::instance().add_worker(pool_, number);
    if (auto* const w = recorder::instance().worker(r))
        w->thread.store(pid);
    return r;
}

void process_figures::remove_worker(std::uint32_t record) noexcept {
    recorder::instance().remove_worker(record);
}

void process_figures::worker_runs(std::uint32_t record, const remote_call* first) noexcept {
    auto* const w = recorder::instance().worker(record);
    const std::uint64_t task =
        first != nullptr ? reinterpret_cast<std::uintptr_t>(&first->state()) : 0;
    if (w == nullptr || w->task.load(std::memory_order_relaxed) == task)
        return;
    if (task == 0) {
        w->completed.store(all_.completed, std::memory_order_relaxed);
    } else {
        w->since.store(steady_now(), std::memory_order_relaxed);
        const std::uint32_t name = name_record(*first);
        w->label.store(name != 0 ? name : recording::most_names + 1, // other
                       std::memory_order_relaxed);
    }
    if (task == 0)
        w->label.store(0, std::memory_order_relaxed);
    w->task.store(task, std::memory_order_relaxed);
}

// ---- What the pool tells ------------------------------------------------------------------------

pool_stats process_core::stats() {
    if (is_forked_copy())
        throw shutdown_error("the pool belongs to the process that this one was forked from");
    const scoped_lock lock(pool_.mutex);
    pool_stats s = pool_.figures.all();
    s.queued = pool_.queue.size();
    s.workers = pool_.workers.all().size();
    for (const auto& [id, w] : pool_.workers.all()) {
        const bool busy = w->running() != nullptr;
        s.running += busy ? 1 : 0;
        const auto ended = static_cast<std::size_t>(std::popcount(w->condemned_slots));
        s.queued += w->life.held() - ended - (busy ? 1 : 0);
    }
    s.idle = s.workers - s.running;
    return s;
}

label_registry::figures process_core::stats_by_label() {
    if (is_forked_copy())
        throw shutdown_error("the pool belongs to the process that this one was forked from");
    const scoped_lock lock(pool_.mutex);
    label_registry::figures figures = pool_.figures.by_label();
    for (auto* i = pool_.queue.first(); i != nullptr; i = pool_.queue.after(dispatcher::key_of(*i)))
        ++figures[pool_.figures.name_of(static_cast<const remote_call&>(*i))].queued;
    for (const auto& [id, w] : pool_.workers.all()) {
        const remote_call* const running = w->running();
        for (const dispatch_item& i : w->items) {
            const auto& c = static_cast<const remote_call&>(i);
            pool_stats& s = figures[pool_.figures.name_of(c)];
            if (&c == running)
                ++s.running;
            else if (!w->is_condemned(c.slot)) // else it has its outcome
                ++s.queued;
        }
    }
    return figures;
}

void process_core::read(all_figures& to) {
    if (is_forked_copy())
        return;
    pool_figures figures{
        pool_.options.name, pool_.options.max_workers, stats(), stats_by_label(), {}};
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
