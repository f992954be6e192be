// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

namespace ferry::detail {

/// Why a worker process ended while it ran a task.
enum class death_cause {
    crash,          ///< by a signal or by itself, or it did what no worker does
    run_time,       ///< the task ran longer than its own timeout
    resource_limit, ///< it used more than the pool allows
    cancelled,      ///< somebody cancelled the task
    dismissed       ///< the pool ends its workers
};

/// Whether the death is held against the task, for the quarantine.
constexpr bool counts_against_task(death_cause why) noexcept {
    return why == death_cause::crash || why == death_cause::run_time ||
           why == death_cause::resource_limit;
}

/// What else is known when a worker has died of a task.
struct death_facts {
    unsigned starts = 1;        ///< of the task, this one included
    unsigned attempts = 1;      ///< most starts that it may have
    bool quarantined = false;   ///< because of this death
    bool asked_to_stop = false; ///< somebody wanted the run to end
    bool accepts_starts = true; ///< the pool still starts what is queued
};

/// Whether the task is started again.
constexpr bool starts_again(death_cause why, const death_facts& f) noexcept {
    return why == death_cause::crash && f.starts < f.attempts && !f.quarantined &&
           !f.asked_to_stop && f.accepts_starts;
}

} // namespace ferry::detail
