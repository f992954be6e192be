// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include "reader_timers.hpp"
#include "worker_channel.hpp"

#include <cstdint>
#include <map>
#include <memory>

namespace ferry::detail {

/// The workers of a process pool, by their numbers, and what is done with those that rest or are to
/// end: what `worker_lifecycle` and `idle_limit` have decided. For who holds the pool's mutex; only
/// the reader adds and removes workers, so that it may keep one without the mutex.
class worker_fleet {
public:
    using clock = timeout::clock;
    using map = std::map<std::uint32_t, std::unique_ptr<worker_channel>>;

    worker_fleet(timeout kill_grace, reader_timers& timers) noexcept
        : kill_grace_(kill_grace), timers_(timers) {}

    const map& all() const noexcept { return workers_; }
    bool empty() const noexcept { return workers_.empty(); }
    worker_channel* find(std::uint32_t id) noexcept;
    /// The one with the next number, or null; for a walk that lets go of the mutex.
    worker_channel* after(std::uint32_t id) noexcept;
    /// The number of the next worker.
    std::uint32_t next_id() noexcept { return ++last_id_; }
    /// Errors: `std::bad_alloc`.
    worker_channel& add(std::unique_ptr<worker_channel> w);
    std::unique_ptr<worker_channel> remove(worker_channel& w) noexcept;

    void perform(worker_channel& w, worker_lifecycle::action a) noexcept;
    void kill(worker_channel& w) noexcept { perform(w, w.life.kill()); }
    /// The worker broke the protocol, which `what` tells of: kills it.
    void violated(worker_channel& w, const char* what) noexcept;
    /// Ends the worker if it still runs the task in that slot, and makes sure that no answer of it
    /// counts any more. False if the worker does not run it.
    bool terminate_for(worker_channel& w, std::uint16_t slot) noexcept;
    /// The worker has had nothing to do since then: its idle time begins.
    void rests(worker_channel& w, clock::time_point since) noexcept;
    /// Starts the time that a worker gets to do what it was asked for, before it is killed.
    void arm_grace(deadline& d) noexcept;

private:
    const timeout kill_grace_;
    reader_timers& timers_;
    map workers_;
    std::uint32_t last_id_ = 0;
};

} // namespace ferry::detail
