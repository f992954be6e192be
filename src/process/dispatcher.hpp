// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include "dispatch_queue.hpp"
#include "dispatch_workers.hpp"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>

namespace ferry::detail {

/// The decision which worker of a process pool gets which item of the queue: a state machine without
/// locks and without effects. Its caller asks for the next step, tries it, and says what became of it:
///
///     d.begin_round();
///     for (auto s = d.next(); s.what != dispatcher::action::nothing; s = d.next()) ...
///
/// Nothing allocates. Not thread-safe.
class dispatcher {
public:
    /// At most `most_workers` at a time, each with at most `most_held` items.
    dispatcher(std::size_t most_workers, std::size_t most_held) noexcept
        : most_workers_(most_workers), most_held_(most_held) {}

    dispatch_queue& queue() noexcept { return queue_; }
    const dispatch_queue& queue() const noexcept { return queue_; }
    dispatch_workers& workers() noexcept { return workers_; }
    const dispatch_workers& workers() const noexcept { return workers_; }

    /// Whether another worker would have something to do.
    bool wants_worker() const noexcept;
    /// Workers that hold nothing, and those that can still be started.
    std::size_t free_workers() const noexcept;
    /// 0 before the first run.
    std::chrono::nanoseconds mean_run_time() const noexcept {
        return std::chrono::nanoseconds(static_cast<std::int64_t>(std::max(0.0, mean_run_ns_)));
    }

    // ---- Decisions ------------------------------------------------------------------------------

    enum class action {
        nothing,
        give,  ///< the item, which is the first of the queue, to the worker
        revoke ///< the item from the worker
    };
    struct step {
        action what = action::nothing;
        dispatch_item* item = nullptr;
        dispatch_worker* worker = nullptr;
    };
    /// Workers that refused a task may be asked again.
    void begin_round() noexcept;
    /// Goes on with a round in which other threads may have changed queue and workers. A worker
    /// that refused a task is still not asked again, so that the round comes to an end.
    void resume_round() noexcept;
    /// Gives the queue away; when it is empty, takes half of what waits behind the task of one
    /// worker for each idle one.
    step next() noexcept;

    // What became of a step.
    /// The item of `give` was handed out, under that number. It is out of the queue.
    void given(dispatch_item& i, dispatch_worker& w) noexcept;
    std::uint64_t next_number() noexcept { return ++numbers_; }
    /// The worker has no room; the item stays where it is.
    void refused(dispatch_worker& w) noexcept { w.refused = round_; }
    /// The item of `revoke` has started.
    void not_revoked() noexcept;

    // What became of an item that was handed out.
    worker_lifecycle::action answered(dispatch_item& i, dispatch_worker& w) noexcept;
    /// It does not count among what the worker was given.
    void taken_back(dispatch_item& i, dispatch_worker& w) noexcept;
    /// A run took that long.
    void ran(std::int64_t run_ns) noexcept;

private:
    dispatch_worker* pick(const dispatch_item& i) noexcept;
    bool may_get(const dispatch_worker& w) const noexcept {
        return w.life.quota() != 0 && w.refused != round_;
    }
    step steal() noexcept;

    const std::size_t most_workers_;
    const std::size_t most_held_;
    dispatch_queue queue_;
    dispatch_workers workers_;
    std::uint64_t numbers_ = 0;
    std::uint64_t round_ = 0;
    double mean_run_ns_ = -1;
    dispatch_worker* victim_ = nullptr; // of the theft that goes on
    std::size_t loot_ = 0;              // how many more to take from it
};

} // namespace ferry::detail
