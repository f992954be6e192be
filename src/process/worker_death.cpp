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

death_cause worker_death::cause(const remote_call& c) const noexcept {
    if (worker_.end.dismissed)
        return death_cause::dismissed;
    return breach(c) ? death_cause::resource_limit : death_cause::crash;
}

// Returns the limit that the task exceeded, if the worker has ended for that.
std::optional<limit_breach> worker_death::breach(const remote_call& c) const noexcept {
    using limit = limit_breach::limit;
    const std::uint64_t refused = worker_.memory->memory_refused.load();
    if (worker_.end.how->exit_code == wire::exit_no_memory && refused != 0 && limits_.memory != 0)
        return limit_breach{limit::memory, limits_.memory, refused, true};
    if (worker_.end.how->signal == SIGXFSZ && limits_.file_size != 0)
        return limit_breach{limit::file_size, limits_.file_size, limits_.file_size, false};
    return worker_.end.breached == c.number ? worker_.end.breach : std::nullopt;
}

std::exception_ptr worker_death::error(const remote_call& c, unsigned attempt) const {
    const worker_channel& w = worker_;
    const int pid = w.process->pid();
    const std::string label = c.call_label();
    if (const auto b = breach(c))
        return make_error<resource_limit_error>(pid, *w.end.how, label, w.standard_error.tail(),
                                                text_of(*b, label, pid), w.process->usage(),
                                                attempt);
    std::vector<stack_frame> frames;
    if (w.end.how->signal)
        frames = frames_of(w.memory->crash, *w.end.how->signal, c.number, program_.file());
    return make_error<worker_died>(pid, *w.end.how, label, w.standard_error.tail(),
                                   w.process->usage(), attempt, std::move(frames));
}

std::string worker_death::why_not_ready() const {
    const worker_channel& w = worker_;
    std::string text = w.end.why_not_ready.empty() ? text_of(*w.end.how) + " before it was ready"
                                                   : w.end.why_not_ready;
    if (!w.standard_error.tail().empty())
        text += "; the end of its standard error: " + w.standard_error.tail();
    return text;
}

} // namespace ferry::detail
