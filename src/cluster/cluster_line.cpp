// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include "cluster_line.hpp"

#include <boost/assert.hpp>

#include <algorithm>

namespace ferry::detail::cluster {

cluster_line::cluster_line(const cluster_options& options, std::string queue, const ledger& book)
    : limits_(admission_limits::of(options)), kind_("the cluster pool '" + options.name + "'"),
      queue_(std::move(queue)), book_(book) {}

std::size_t cluster_line::level_of(int priority) noexcept {
    return static_cast<std::size_t>(std::clamp(priority, -5, 4) + 5);
}

// ---- Who may enter ------------------------------------------------------------------------------

admission::decision cluster_line::decide(const admission_request& r, bool exempt) const noexcept {
    using decision = admission::decision;
    if (limits_.max_queue_bytes != 0 && r.bytes > limits_.max_queue_bytes)
        return decision::too_large;
    if (exempt)
        return decision::enter;
    if (!r.may_wait && is_too_slow(r))
        return decision::too_slow;
    if (line_.empty() && has_room_for(r.bytes))
        return decision::enter;
    return limits_.when_full == when_full::block || r.may_wait ? decision::stand_in_line
                                                               : decision::full;
}

std::exception_ptr cluster_line::refusal(admission::decision why, const shared_state_base& task,
                                         const admission_request& r) const noexcept {
    return detail::refusal(why, kind_, task, r, limits_, book_.tasks().unstarted() + line_.size(),
                           estimate(level_of(r.priority)));
}

bool cluster_line::has_room_for(std::size_t bytes) const noexcept {
    if (limits_.max_queue != 0 && book_.tasks().unstarted() >= limits_.max_queue)
        return false;
    return limits_.max_queue_bytes == 0 || book_.tasks().unstarted() == 0 ||
           bytes + book_.tasks().unstarted_bytes() <= limits_.max_queue_bytes;
}

bool cluster_line::is_too_slow(const admission_request& r) const noexcept {
    const auto most = limits_.max_wait.limit();
    if (!most)
        return false;
    const bool all_busy = free_workers() == 0;
    if (most->count() == 0 && (all_busy || !line_.empty()))
        return true;
    const auto wait = estimate(level_of(r.priority));
    return all_busy && (wait > *most || (r.start_by && wait > *r.start_by - r.now));
}

std::size_t cluster_line::free_workers() const noexcept {
    const std::size_t all = workers();
    const std::size_t busy = book_.tasks().running() + book_.tasks().unstarted();
    return all > busy ? all - busy : 0;
}

// ---- The line -----------------------------------------------------------------------------------

void cluster_line::stand(const place& p) {
    line_.push_back(p);
    if (p.start_by)
        deadlines_.emplace(*p.start_by, p.number);
}

void cluster_line::leave(std::uint64_t number) {
    const auto it = std::ranges::find(line_, number, &place::number); // mostly the first one
    BOOST_ASSERT(it != line_.end());
    if (it->start_by)
        deadlines_.erase({*it->start_by, number});
    line_.erase(it);
}

std::optional<std::uint64_t> cluster_line::first() const noexcept {
    return line_.empty() ? std::nullopt : std::optional(line_.front().number);
}

std::optional<std::uint64_t> cluster_line::next() const noexcept {
    return line_.empty() || !has_room_for(line_.front().bytes) ? std::nullopt : first();
}

std::optional<std::uint64_t> cluster_line::expired(time now) const noexcept {
    return deadlines_.empty() || deadlines_.begin()->first > now
               ? std::nullopt
               : std::optional(deadlines_.begin()->second);
}

std::optional<cluster_line::time> cluster_line::next_deadline() const noexcept {
    return deadlines_.empty() ? std::nullopt : std::optional(deadlines_.begin()->first);
}

// ---- How long it takes --------------------------------------------------------------------------

void cluster_line::started(std::size_t level) noexcept {
    BOOST_ASSERT(unstarted_[level] != 0);
    --unstarted_[level];
}

void cluster_line::ran(std::chrono::nanoseconds time) noexcept {
    const auto ns = static_cast<double>(time.count());
    mean_run_ns_ = mean_run_ns_ == 0 ? ns : 0.9 * mean_run_ns_ + 0.1 * ns;
}

std::chrono::nanoseconds cluster_line::estimate(std::size_t level) const noexcept {
    std::size_t ahead = line_.size();
    for (std::size_t i = level; i != unstarted_.size(); ++i)
        ahead += unstarted_[i];
    const auto by = static_cast<double>(std::max<std::size_t>(1, workers()));
    return std::chrono::nanoseconds(
        static_cast<std::int64_t>(static_cast<double>(ahead) * mean_run_ns_ / by));
}

} // namespace ferry::detail::cluster
