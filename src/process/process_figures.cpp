// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include "process_figures.hpp"

namespace ferry::detail {

using recording::event;

process_figures::process_figures(const std::string& name, std::size_t max_workers,
                                 std::uint32_t kind)
    : pool_(recorder::instance().add_pool(kind, name, max_workers)) {}

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

void process_figures::may_have(std::size_t max_workers) noexcept {
    if (auto* const p = recorder::instance().pool(pool_))
        p->max_workers.store(static_cast<std::uint32_t>(max_workers), std::memory_order_relaxed);
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

} // namespace ferry::detail
