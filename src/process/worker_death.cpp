// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include "worker_death.hpp"

#include "crash_report.hpp"

#include <csignal>
#include <vector>

namespace ferry::detail {
namespace {

std::string text_of(const worker_died::ending& how) {
    if (how.signal)
        return "it was terminated by signal " + std::to_string(*how.signal);
    return how.exit_code ? "it exited with code " + std::to_string(*how.exit_code) : "it ended";
}

} // namespace

// A worker runs its tasks in the order in which it was given them, so it is the oldest one whose
// slot says that it was begun, or that was not started for too long. If a task is condemned, it has
// its outcome already, and the worker has begun no other one.
std::optional<std::uint64_t> worker_death::begun() const noexcept {
    if (worker_.condemned_slots != 0)
        return std::nullopt;
    std::optional<std::uint64_t> first;
    for (std::uint16_t slot = 0; slot < wire::slot_count; ++slot) {
        const remote_call* const c = worker_.held[slot].get();
        if (c == nullptr || (first && *first < c->number))
            continue;
        if (c->number == worker_.denied ||
            !worker_.memory->slots[slot].is(c->number, wire::slot_state::offered))
            first = c->number;
    }
    return first;
}

death_cause worker_death::cause(const remote_call& c) const noexcept {
    if (worker_.dismissed)
        return death_cause::dismissed;
    return breach(c) ? death_cause::resource_limit : death_cause::crash;
}

// Returns the limit that the task exceeded, if the worker has ended for that.
std::optional<limit_breach> worker_death::breach(const remote_call& c) const noexcept {
    using limit = limit_breach::limit;
    const std::uint64_t refused = worker_.memory->memory_refused.load();
    if (worker_.how_ended->exit_code == wire::exit_no_memory && refused != 0 && limits_.memory != 0)
        return limit_breach{limit::memory, limits_.memory, refused, true};
    if (worker_.how_ended->signal == SIGXFSZ && limits_.file_size != 0)
        return limit_breach{limit::file_size, limits_.file_size, limits_.file_size, false};
    return worker_.breached == c.number ? worker_.breach : std::nullopt;
}

std::exception_ptr worker_death::error(const remote_call& c, unsigned attempt) const {
    const worker_channel& w = worker_;
    const int pid = w.process->pid();
    const std::string label = c.call_label();
    if (const auto b = breach(c))
        return make_error<resource_limit_error>(pid, *w.how_ended, label, w.standard_error.tail(),
                                                text_of(*b, label, pid), w.process->usage(),
                                                attempt);
    std::vector<stack_frame> frames;
    if (w.how_ended->signal)
        frames = frames_of(w.memory->crash, *w.how_ended->signal, c.number, program_.file());
    return make_error<worker_died>(pid, *w.how_ended, label, w.standard_error.tail(),
                                   w.process->usage(), attempt, std::move(frames));
}

std::string worker_death::why_not_ready() const {
    const worker_channel& w = worker_;
    std::string text =
        w.why_not_ready.empty() ? text_of(*w.how_ended) + " before it was ready" : w.why_not_ready;
    if (!w.standard_error.tail().empty())
        text += "; the end of its standard error: " + w.standard_error.tail();
    return text;
}

} // namespace ferry::detail
