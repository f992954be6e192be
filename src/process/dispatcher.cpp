// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include "dispatcher.hpp"

#include <ferry/detail/assert.hpp>

#include <algorithm>

namespace ferry::detail {

bool dispatcher::wants_worker() const noexcept {
    return !queue_.empty() && workers_.size() < most_workers_ &&
           queue_.size() > workers_.starting();
}

std::size_t dispatcher::free_workers() const noexcept {
    return workers_.idle() +
           (most_workers_ > workers_.size() ? most_workers_ - workers_.size() : 0);
}

void dispatcher::begin_round() noexcept {
    ++round_;
    resume_round();
}

void dispatcher::resume_round() noexcept {
    victim_ = nullptr;
    loot_ = 0;
}

dispatcher::step dispatcher::next() noexcept {
    if (loot_ != 0) {
        FERRY_ASSERT(victim_ != nullptr && !victim_->items.empty());
        --loot_;
        return {action::revoke, &victim_->items.back(), victim_};
    }
    dispatch_item* const i = queue_.first();
    if (i == nullptr)
        return steal();
    if (dispatch_worker* const w = pick(*i))
        return {action::give, i, w};
    return {};
}

// Chooses an idle worker, preferably the one that has the mapping of the arguments already. If none
// is idle and no more can be started, the one that holds the fewest items, unless it holds too
// many.
dispatch_worker* dispatcher::pick(const dispatch_item& i) noexcept {
    const std::size_t depth =
        workers_.size() < most_workers_ ? 1 : hand_out_depth(mean_run_ns_, most_held_);
    dispatch_worker* best = nullptr;
    for (auto& w : workers_) {
        const std::size_t held = w.load();
        if (held >= depth || !may_get(w))
            continue;
        if (held == 0 && (i.known_to == 0 || i.known_to == w.id))
            return &w;
        if (best == nullptr || held < best->load())
            best = &w;
    }
    return best;
}

// A round ends: each theft gives an item to an idle worker, or removes one from the pool, or is the
// last one of the round.
dispatcher::step dispatcher::steal() noexcept {
    if (victim_ != nullptr && victim_->refused == round_)
        return {};
    const bool any_idle = std::any_of(workers_.begin(), workers_.end(), [this](const auto& w) {
        return w.load() == 0 && may_get(w);
    });
    if (!any_idle)
        return {};
    victim_ = workers_.fullest();
    if (victim_ == nullptr)
        return {};
    loot_ = victim_->life.held() / 2 - 1;
    return {action::revoke, &victim_->items.back(), victim_};
}

// A worker starts its items in order, so the earlier ones have started too. A victim of which
// nothing was taken is not asked again.
void dispatcher::not_revoked() noexcept {
    FERRY_ASSERT(victim_ != nullptr);
    loot_ = 0;
    if (queue_.empty())
        victim_->refused = round_;
}

void dispatcher::given(dispatch_item& i, dispatch_worker& w) noexcept {
    FERRY_ASSERT(!dispatch_queue::contains(i) && may_get(w));
    w.items.push_back(i);
    w.life.handed_out();
}

worker_lifecycle::action dispatcher::answered(dispatch_item& i, dispatch_worker& w) noexcept {
    FERRY_ASSERT(i.handed_out.is_linked());
    w.items.erase(w.items.iterator_to(i));
    return w.life.answered();
}

void dispatcher::taken_back(dispatch_item& i, dispatch_worker& w) noexcept {
    FERRY_ASSERT(i.handed_out.is_linked());
    w.items.erase(w.items.iterator_to(i));
    w.life.taken_back();
}

void dispatcher::ran(std::int64_t run_ns) noexcept {
    FERRY_ASSERT(run_ns >= 0);
    const auto run = static_cast<double>(run_ns);
    mean_run_ns_ = mean_run_ns_ < 0 ? run : 0.9 * mean_run_ns_ + 0.1 * run;
}

} // namespace ferry::detail
