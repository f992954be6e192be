// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include "limit_sampler.hpp"

#include "process_usage.hpp"

#include <ferry/detail/assert.hpp>

#include <algorithm>
#include <thread>

namespace ferry::detail {

std::optional<limit_breach> limit_sampler::sample(worker_channel& w) noexcept {
    std::uint64_t task = 0;
    {
        const scoped_lock lock(pool_.mutex);
        if (const remote_call* const c = w.slots->running())
            task = c->number;
    }
    const int pid = w.process->pid(); // still its own, since only this thread reaps it
    const auto memory = task != 0 ? memory_of(pid) : std::nullopt;
    const auto cpu = task != 0 ? cpu_time_of(pid) : std::nullopt;
    if (!memory || !cpu) {
        w.limits->rest();
        return std::nullopt;
    }
    auto breach = w.limits->sample(task, {memory->anonymous, *cpu},
                                   std::chrono::nanoseconds(w.memory->cpu_at_start.load()));
    if (breach)
        w.end.breached = task;
    return breach;
}

void limit_sampler::sample_all() noexcept {
    FERRY_ASSERT(pool_.reader.is_here());
    std::chrono::nanoseconds next = std::chrono::nanoseconds::max();
    const unsigned processors = std::thread::hardware_concurrency();
    for (auto* w = pool_.worker_after(0); w != nullptr; w = pool_.worker_after(w->id))
        next = std::min(next, judge(*w, processors));
    if (next == std::chrono::nanoseconds::max())
        return;
    const scoped_lock lock(pool_.mutex);
    pool_.timers.arm(deadline::purpose::limits, timeout::clock::now() + next);
}

// Returns the time until the next sample of the worker, or the maximum if it needs none.
std::chrono::nanoseconds limit_sampler::judge(worker_channel& w, unsigned processors) noexcept {
    {
        const scoped_lock lock(pool_.mutex);
        if (w.end.how || w.end.breach || w.life.held() == 0)
            return std::chrono::nanoseconds::max();
    }
    const auto breach = sample(w);
    if (breach) {
        const scoped_lock lock(pool_.mutex);
        const remote_call* const c = w.slots->running();
        if (c != nullptr && c->number == w.end.breached && w.slots->condemn(c->slot)) {
            w.end.breach = breach;
            pool_.workers.kill(w);
        }
    }
    return w.limits->until_next(processors);
}

} // namespace ferry::detail
