// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include "dispatcher.hpp"

#include <ferry/detail/assert.hpp>

#include <algorithm>

namespace ferry::detail {

void dispatcher::push(dispatch_item& i) noexcept {
    FERRY_ASSERT(!is_queued(i) && !i.handed_out.is_linked());
    i.place = ++places_;
    prioritized_ = prioritized_ || i.priority != 0;
    queue_.insert_equal(queue_.end(), i);
}

dispatch_item* dispatcher::after(const key& k) noexcept {
    struct by_key {
        bool operator()(const key& a, const dispatch_item& b) const noexcept {
            return a < key_of(b);
        }
        bool operator()(const dispatch_item& a, const key& b) const noexcept {
            return key_of(a) < b;
        }
    };
    const auto it = queue_.upper_bound(k, by_key());
    return it == queue_.end() ? nullptr : &*it;
}

bool dispatcher::wants_worker() const noexcept {
    if (queue_.empty() || workers_.size() >= most_workers_)
        return false;
    const auto starting =
        static_cast<std::size_t>(std::count_if(workers_.begin(), workers_.end(), [](const auto& w) {
            return w.life.now() == worker_lifecycle::stage::starting;
        }));
    return queue_.size() > starting;
}

bool dispatcher::any_serves() const noexcept {
    return std::any_of(workers_.begin(), workers_.end(), [](const auto& w) {
        return w.life.now() == worker_lifecycle::stage::serving;
    });
}

bool dispatcher::any_held() const noexcept {
    return std::any_of(workers_.begin(), workers_.end(),
                       [](const auto& w) { return w.life.held() != 0; });
}

std::size_t dispatcher::ahead(int priority) const noexcept {
    if (!prioritized_)
        return priority <= 0 ? queue_.size() : 0;
    return static_cast<std::size_t>(std::count_if(
        queue_.begin(), queue_.end(), [&](const auto& i) { return i.priority >= priority; }));
}

std::size_t dispatcher::held_behind() const noexcept {
    std::size_t n = 0;
    for (const auto& w : workers_)
        n += w.load() > 1 ? w.load() - 1 : 0;
    return n;
}

std::size_t dispatcher::free_workers() const noexcept {
    const auto idle = std::count_if(workers_.begin(), workers_.end(), [](const auto& w) {
        return w.load() == 0 && (w.life.now() == worker_lifecycle::stage::starting ||
                                 w.life.now() == worker_lifecycle::stage::serving);
    });
    return static_cast<std::size_t>(idle) +
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
    if (queue_.empty())
        return steal();
    dispatch_item& i = *queue_.begin();
    if (dispatch_worker* const w = pick(i))
        return {action::give, &i, w};
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
    victim_ = nullptr;
    for (auto& w : workers_) {
        if (w.life.held() >= 2 && (victim_ == nullptr || w.life.held() > victim_->life.held()))
            victim_ = &w;
    }
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
    FERRY_ASSERT(!is_queued(i) && may_get(w));
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
