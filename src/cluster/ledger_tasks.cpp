// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include "ledger_tasks.hpp"

#include <boost/assert.hpp>

namespace ferry::detail::cluster {

using stage = ledger_task::stage;

ledger_tasks::entry& ledger_tasks::add(std::uint64_t number, const ledger_task::facts& f,
                                       time now) {
    const auto [it, is_new] = tasks_.try_emplace(number);
    BOOST_ASSERT(is_new);
    ledger_task& t = it->second;
    t.f = f;
    t.added = now;
    unstarted_bytes_ += f.bytes;
    outbox_.emplace_back(number, t.round);
    return *it;
}

ledger_tasks::entry* ledger_tasks::find(std::uint64_t number) noexcept {
    const auto it = tasks_.find(number);
    return it != tasks_.end() ? &*it : nullptr;
}

void ledger_tasks::erase(entry& e) noexcept {
    leave_stage(e.second);
    if (e.second.deadline)
        deadlines_.erase({*e.second.deadline, e.first});
    tasks_.erase(tasks_.find(e.first));
}

void ledger_tasks::leave_stage(const ledger_task& t) noexcept {
    if (t.at == stage::running)
        --running_;
    else
        unstarted_bytes_ -= t.f.bytes;
}

void ledger_tasks::wait(entry& e) {
    ledger_task& t = e.second;
    leave_stage(t);
    unstarted_bytes_ += t.f.bytes;
    t.at = stage::waiting;
    t.host.clear();
    t.in_doubt = false;
    t.lost_at.reset();
    outbox_.emplace_back(e.first, t.round);
}

ledger_tasks::entry* ledger_tasks::send_next() noexcept {
    while (!outbox_.empty()) {
        const auto [number, round] = outbox_.front();
        outbox_.pop_front();
        entry* const e = find(number);
        if (e == nullptr || e->second.is_published() || e->second.round != round)
            continue; // it was cancelled
        ledger_task& t = e->second;
        t.at = stage::sent;
        t.round_started = false;
        ++t.round;
        return e;
    }
    return nullptr;
}

void ledger_tasks::run(entry& e) noexcept {
    BOOST_ASSERT(e.second.at != stage::running);
    leave_stage(e.second);
    e.second.at = stage::running;
    ++running_;
}

void ledger_tasks::schedule(entry& e, std::optional<time> at) {
    auto& [number, t] = e;
    if (at == t.deadline)
        return;
    if (t.deadline)
        deadlines_.erase({*t.deadline, number});
    t.deadline = at;
    if (at)
        deadlines_.emplace(*at, number);
}

ledger_tasks::entry* ledger_tasks::due(time now) noexcept {
    if (deadlines_.empty() || deadlines_.begin()->first > now)
        return nullptr;
    entry* const e = find(deadlines_.begin()->second);
    BOOST_ASSERT(e != nullptr);
    return e;
}

std::optional<ledger_tasks::time> ledger_tasks::next_deadline() const noexcept {
    return deadlines_.empty() ? std::nullopt : std::optional(deadlines_.begin()->first);
}

} // namespace ferry::detail::cluster
