// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include "ledger.hpp"

#include <boost/assert.hpp>

#include <algorithm>
#include <utility>

namespace ferry::detail::cluster {

// ---- What the program does ----------------------------------------------------------------------

void ledger::add(std::uint64_t number, const facts& f, time now) {
    const auto [it, is_new] = tasks_.try_emplace(number);
    BOOST_ASSERT(is_new);
    task& t = it->second;
    t.f = f;
    t.added = now;
    unstarted_bytes_ += f.bytes;
    outbox_.emplace_back(number, 0);
    schedule(number, t);
}

bool ledger::remove(std::uint64_t number, actions& out) {
    const auto it = tasks_.find(number);
    if (it == tasks_.end())
        return false;
    if (it->second.at != stage::waiting)
        out.push_back({what::tell_hosts, number, it->second.host});
    erase(it);
    return true;
}

// ---- What the connections do --------------------------------------------------------------------

void ledger::note_reach(time now) {
    const bool before = !out_of_reach_since_;
    if (connected())
        out_of_reach_since_.reset();
    else if (!out_of_reach_since_)
        out_of_reach_since_ = now;
    if (before != !out_of_reach_since_)
        schedule_all();
}

void ledger::publisher_connected(time now) {
    publishing_ = true;
    note_reach(now);
}

// What the broker has not confirmed may have arrived, or not.
void ledger::publisher_lost(time now, actions& out) {
    publishing_ = false;
    if (std::exchange(blocked_, false))
        set_blocked(false, now);
    for (auto& [number, t] : tasks_) {
        if (t.at != stage::sent)
            continue;
        if (t.f.idempotent) {
            wait_again(number, t, out);
        } else {
            t.at = stage::queued;
            t.in_doubt = true;
            watch(t, now);
            schedule(number, t);
        }
    }
    note_reach(now);
}

std::optional<ledger::publication> ledger::next() {
    while (connected() && !outbox_.empty()) {
        const auto [number, round] = outbox_.front();
        outbox_.pop_front();
        const auto it = tasks_.find(number);
        if (it == tasks_.end() || it->second.at != stage::waiting || it->second.round != round)
            continue; // it was cancelled
        task& t = it->second;
        t.at = stage::sent;
        t.round_started = false;
        ++t.round;
        schedule(number, t);
        return publication{number, t.round, t.starts + 1,
                           t.starts == 0 ? t.f.start_by : std::nullopt};
    }
    return std::nullopt;
}

void ledger::confirmed(std::uint64_t number, std::uint32_t round) {
    const auto it = tasks_.find(number);
    if (it != tasks_.end() && it->second.round == round && it->second.at == stage::sent)
        it->second.at = stage::queued;
}

void ledger::refused(std::uint64_t number, std::uint32_t round, actions& out) {
    const auto it = tasks_.find(number);
    if (it != tasks_.end() && it->second.round == round && it->second.at == stage::sent)
        fail(it, what::full, "the broker's queue is full", out);
}

// While the broker accepts nothing it accepts no beats either.
void ledger::set_blocked(bool blocked, time now) {
    blocked_ = blocked;
    for (auto& [number, t] : tasks_) {
        if (t.in_doubt && t.at != stage::waiting) {
            watch(t, now);
            schedule(number, t);
        }
    }
}

void ledger::consumer_connected(bool survived, time now, actions& out) {
    hearing_ = true;
    bool ask = false;
    for (auto& [number, t] : tasks_) {
        if (t.at == stage::waiting)
            continue;
        if (!survived)
            t.in_doubt = true;
        if (t.in_doubt) {
            watch(t, now);
            ask = true;
        }
        schedule(number, t);
    }
    if (ask)
        out.push_back({what::ask_hosts});
    note_reach(now);
}

void ledger::consumer_lost(time now) {
    hearing_ = false;
    for (auto& [number, t] : tasks_) {
        t.lost_at.reset();
        schedule(number, t);
    }
    note_reach(now);
}

// ---- What hosts say -----------------------------------------------------------------------------

// It is in doubt, and has just been mentioned, or could not be. After one and a half beats of
// silence the hosts are asked, and after two and a half it is lost.
void ledger::watch(task& t, time now) {
    t.asked = false;
    t.lost_at = hearing_ && !blocked_ ? std::optional(now + beat_of(t) * 3 / 2) : std::nullopt;
}

void ledger::set_running(std::uint64_t number, task& t, const std::string& name, time now,
                         actions& out) {
    t.host = name;
    t.in_doubt = true;
    watch(t, now);
    if (t.at != stage::running) {
        t.at = stage::running;
        ++running_;
        unstarted_bytes_ -= t.f.bytes;
        out.push_back({what::started, number, name});
    }
    if (!std::exchange(t.round_started, true))
        ++t.starts;
    schedule(number, t);
}

void ledger::started(const started_frame& f, time now, actions& out) {
    hosts_.heard(f.host, f.beat);
    const auto it = tasks_.find(f.number);
    if (it != tasks_.end() && it->second.round == f.round && it->second.at != stage::waiting)
        set_running(f.number, it->second, f.host, now, out);
}

bool ledger::answered(std::uint64_t number, std::uint32_t round, outcome_kind kind, actions& out) {
    const auto it = tasks_.find(number);
    if (it == tasks_.end())
        return false;
    task& t = it->second;
    if (kind == outcome_kind::died) {
        if (t.round != round || t.at == stage::waiting)
            return false; // that attempt was given up already
        if (!std::exchange(t.round_started, true))
            ++t.starts;
        if (t.f.idempotent && t.starts < t.f.attempts) {
            wait_again(number, t, out);
            return false;
        }
    }
    erase(it);
    return true;
}

void ledger::declined(const declined_frame& f, actions& out) {
    const auto it = tasks_.find(f.number);
    if (it == tasks_.end() || it->second.round != f.round || it->second.at == stage::waiting)
        return;
    if (f.reason == decline_reason::draining ||
        (settings_.starts_are_certain && !it->second.round_started))
        wait_again(f.number, it->second, out);
    else
        died(it, "the host that had the task was lost, and the task may have run", out);
}

void ledger::heard(const beat_frame& f, time now, actions& out) {
    hosts_.heard(f.host, f.beat);
    const auto find = [this](const std::vector<std::uint64_t>& listed, std::size_t i) {
        const auto it = tasks_.find(listed[i]);
        const bool is_it = it != tasks_.end() && it->second.round == listed[i + 1] &&
                           it->second.at != stage::waiting;
        return is_it ? &it->second : nullptr;
    };
    for (std::size_t i = 0; i + 1 < f.running.size(); i += 2) {
        if (task* const t = find(f.running, i))
            set_running(f.running[i], *t, f.host, now, out);
    }
    for (std::size_t i = 0; i + 1 < f.held.size(); i += 2) {
        task* const t = find(f.held, i);
        if (t != nullptr && t->lost_at) {
            watch(*t, now);
            schedule(f.held[i], *t);
        }
    }
}

// ---- What becomes of a task ---------------------------------------------------------------------

void ledger::leave_stage(task& t) noexcept {
    if (t.at == stage::running)
        --running_;
    else
        unstarted_bytes_ -= t.f.bytes;
}

void ledger::wait_again(std::uint64_t number, task& t, actions& out) {
    leave_stage(t);
    unstarted_bytes_ += t.f.bytes;
    t.at = stage::waiting;
    t.host.clear();
    t.in_doubt = false;
    t.lost_at.reset();
    outbox_.emplace_back(number, t.round);
    schedule(number, t);
    out.push_back({what::again, number});
}

void ledger::died(tasks::iterator it, const char* why, actions& out) {
    task& t = it->second;
    if (t.at == stage::running)
        hosts_.forget(t.host);
    if (!std::exchange(t.round_started, true))
        ++t.starts;
    if (t.f.idempotent && t.starts < t.f.attempts)
        wait_again(it->first, t, out);
    else
        fail(it, what::died, why, out);
}

// No host has mentioned it in time.
void ledger::silent(tasks::iterator it, time now, actions& out) {
    task& t = it->second;
    if (!std::exchange(t.asked, true)) {
        // The answer takes a while, also where the clock has jumped.
        t.lost_at = std::max(*t.lost_at, now - beat_of(t) / 2) + beat_of(t);
        schedule(it->first, t);
        if (out.empty() || out.back().kind != what::ask_hosts)
            out.push_back({what::ask_hosts});
        return;
    }
    if (t.at == stage::running) {
        died(it, "its host has not been heard of for two beats, and the task may have run", out);
    } else if (t.f.idempotent) {
        wait_again(it->first, t, out);
    } else {
        out.push_back({what::tell_hosts, it->first});
        fail(it, what::died, "the broker may have lost the task, or a host may have run it", out);
    }
}

void ledger::fail(tasks::iterator it, what kind, std::string text, actions& out) {
    out.push_back({kind, it->first, std::move(text)});
    erase(it);
}

void ledger::erase(tasks::iterator it) {
    task& t = it->second;
    leave_stage(t);
    if (t.deadline)
        deadlines_.erase({*t.deadline, it->first});
    tasks_.erase(it);
}

// ---- Time ---------------------------------------------------------------------------------------

void ledger::schedule(std::uint64_t number, task& t) {
    std::optional<time> at = t.lost_at;
    const auto sooner = [&at](time other) { at = at ? std::min(*at, other) : other; };
    if (t.f.start_by && t.starts == 0)
        sooner(*t.f.start_by);
    else if (out_of_reach_since_ && settings_.connect_limit)
        sooner(std::max(t.added, *out_of_reach_since_) + *settings_.connect_limit);
    if (at == t.deadline)
        return;
    if (t.deadline)
        deadlines_.erase({*t.deadline, number});
    t.deadline = at;
    if (at)
        deadlines_.emplace(*at, number);
}

void ledger::schedule_all() {
    for (auto& [number, t] : tasks_)
        schedule(number, t);
}

std::optional<ledger::time> ledger::next_deadline() const {
    return deadlines_.empty() ? std::nullopt : std::optional(deadlines_.begin()->first);
}

void ledger::tick(time now, actions& out) {
    while (!deadlines_.empty() && deadlines_.begin()->first <= now) {
        const auto it = tasks_.find(deadlines_.begin()->second);
        BOOST_ASSERT(it != tasks_.end());
        task& t = it->second;
        const bool published = t.at != stage::waiting;
        if (t.f.start_by && t.starts == 0 && *t.f.start_by <= now) {
            if (published)
                out.push_back({what::tell_hosts, it->first});
            fail(it, what::late, {}, out);
        } else if (t.lost_at && *t.lost_at <= now) {
            silent(it, now, out);
        } else if (published && !t.f.idempotent) {
            fail(it, what::died, "the broker is out of reach, and the task may have run", out);
        } else {
            fail(it, what::unreachable, {}, out);
        }
    }
}

} // namespace ferry::detail::cluster
