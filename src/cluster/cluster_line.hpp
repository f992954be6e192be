// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <ferry/cluster/options.hpp>
#include <ferry/timeout.hpp>

#include "ledger.hpp"
#include "pool/admission.hpp"

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <exception>
#include <optional>
#include <set>
#include <string>
#include <utility>

namespace ferry::detail::cluster {

/// Decides which tasks may enter the ledger of a bounded pool, keeps the line of those that wait
/// for a place there, and estimates how long they wait. It knows no clock, thread or lock.
///
/// The words are those of `admission`; the rules are others. In the pools on this machine a task in
/// the line is claimed in its own word, and a free worker makes room for it. Here the line is the
/// pool's alone, so that nobody has to be dropped later; the deadline of a task is kept beside its
/// place; and a free worker is elsewhere and may be given another pool's task first, so that it
/// makes no room.
///
/// Invariants: nobody overtakes the line, except tasks of the pool's own callbacks. `deadlines_` has
/// the places with a deadline.
class cluster_line {
public:
    using time = timeout::clock::time_point;

    struct place {
        std::uint64_t number = 0;
        std::size_t bytes = 0;
        std::optional<time> start_by = {};
    };

    /// `book` has the tasks that have entered, and lives as long as this. `queue`: the name of the
    /// task queue that the pool's hosts serve.
    cluster_line(const cluster_options& options, std::string queue, const ledger& book);

    /// The broker's levels of priority, from 0.
    static std::size_t level_of(int priority) noexcept;

    /// Never `start`. A task that is `exempt` may enter whatever the bounds say, unless it is too
    /// large.
    admission::decision decide(const admission_request& r, bool exempt) const noexcept;
    /// The error of a task that is not let in.
    std::exception_ptr refusal(admission::decision why, const shared_state_base& task,
                               const admission_request& r) const noexcept;
    /// How long a task of this level would wait.
    std::chrono::nanoseconds estimate(std::size_t level) const noexcept;

    void stand(const place& p);
    void leave(std::uint64_t number);
    bool empty() const noexcept { return line_.empty(); }
    /// Who is first, if anybody is there; and if there is room for him.
    std::optional<std::uint64_t> first() const noexcept;
    std::optional<std::uint64_t> next() const noexcept;
    /// Somebody whose time is over, and when that will be.
    std::optional<std::uint64_t> expired(time now) const noexcept;
    std::optional<time> next_deadline() const noexcept;

    /// What estimates are made of: tasks that have entered, and were not started; and the time that
    /// tasks took.
    void entered(std::size_t level) noexcept { ++unstarted_[level]; }
    void started(std::size_t level) noexcept;
    void ran(std::chrono::nanoseconds time) noexcept;

private:
    bool has_room_for(std::size_t bytes) const noexcept;
    bool is_too_slow(const admission_request& r) const noexcept;
    std::size_t workers() const noexcept { return book_.hosts().workers_for(queue_); }
    std::size_t free_workers() const noexcept;

    const admission_limits limits_;
    const std::string kind_; // what errors call the pool
    const std::string queue_;
    const ledger& book_;
    std::deque<place> line_;
    std::set<std::pair<time, std::uint64_t>> deadlines_;
    std::array<std::size_t, 10> unstarted_{}; // by level
    double mean_run_ns_ = 0;                  // 0: not known yet
};

} // namespace ferry::detail::cluster
