// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include "ledger.hpp"

#include <algorithm>
#include <utility>

namespace ferry::detail::cluster {

using stage = ledger_task::stage;

// ---- What the program does ----------------------------------------------------------------------

void ledger::add(std::uint64_t number, const facts& f, time now) {
    schedule(tasks_.add(number, f, now));
}

bool ledger::remove(std::uint64_t number, actions& out) {
    entry* const e = tasks_.find(number);
    if (e == nullptr)
        return false;
    if (e->second.is_published())
        out.push_back({what::tell_hosts, number, e->second.host});
    tasks_.erase(*e);
    return true;
}

// ---- What the connections do --------------------------------------------------------------------

void ledger::publisher_connected(time now) {
    if (reach_.set_publishing(true, now))
        schedule_all();
}

// What the broker has not confirmed may have arrived, or not.
void ledger::publisher_lost(time now, actions& out) {
    if (reach_.set_blocked(false))
        watch_all_in_doubt(now);
    for (entry& e : tasks_.all()) {
        ledger_task& t = e.second;
        if (t.at != stage::sent)
            continue;
        if (t.f.idempotent) {
            wait_again(e, out);
        } else {
            t.at = stage::queued;
            t.in_doubt = true;
            watch(e, now);
        }
    }
    if (reach_.set_publishing(false, now))
        schedule_all();
}

std::optional<ledger::publication> ledger::next() {
    entry* const e = reach_.connected() ? tasks_.send_next() : nullptr;
    if (e == nullptr)
        return std::nullopt;
    schedule(*e);
    const ledger_task& t = e->second;
    return publication{e->first, t.round, t.starts + 1,
                       t.starts == 0 ? t.f.start_by : std::nullopt};
}

void ledger::confirmed(std::uint64_t number, std::uint32_t round) {
    entry* const e = tasks_.find(number);
    if (e != nullptr && e->second.is_sent_as(round))
        e->second.at = stage::queued;
}

void ledger::refused(std::uint64_t number, std::uint32_t round, actions& out) {
    entry* const e = tasks_.find(number);
    if (e != nullptr && e->second.is_sent_as(round))
        fail(*e, what::full, "the broker's queue is full", out);
}

void ledger::set_blocked(bool blocked, time now) {
    reach_.set_blocked(blocked);
    watch_all_in_doubt(now);
}

void ledger::consumer_connected(bool survived, time now, actions& out) {
    const bool reached = reach_.set_hearing(true, now);
    bool ask = false;
    for (entry& e : tasks_.all()) {
        ledger_task& t = e.second;
        if (!t.is_published())
            continue;
        if (!survived)
            t.in_doubt = true;
        if (t.in_doubt) {
            watch(e, now);
            ask = true;
        } else {
            schedule(e);
        }
    }
    if (ask)
        out.push_back({what::ask_hosts});
    if (reached)
        schedule_all();
}

void ledger::consumer_lost(time now) {
    reach_.set_hearing(false, now);
    for (entry& e : tasks_.all())
        e.second.lost_at.reset();
    schedule_all();
}

// ---- What hosts say -----------------------------------------------------------------------------

// It is in doubt, and has just been mentioned, or could not be. After one and a half beats of
// silence the hosts are asked, and after two and a half it is lost.
void ledger::watch(entry& e, time now) {
    ledger_task& t = e.second;
    t.asked = false;
    t.lost_at = reach_.can_hear() ? std::optional(now + beat_of(t) * 3 / 2) : std::nullopt;
    schedule(e);
}

void ledger::watch_all_in_doubt(time now) {
    for (entry& e : tasks_.all()) {
        if (e.second.in_doubt && e.second.is_published())
            watch(e, now);
    }
}

void ledger::set_running(entry& e, const std::string& name, time now, actions& out) {
    ledger_task& t = e.second;
    t.host = name;
    t.in_doubt = true;
    if (t.at != stage::running) {
        tasks_.run(e);
        out.push_back({what::started, e.first, name});
    }
    t.note_start();
    watch(e, now);
}

void ledger::started(const started_frame& f, time now, actions& out) {
    hosts_.heard(f.host, f.beat);
    entry* const e = tasks_.find(f.number);
    if (e != nullptr && e->second.is_published_as(f.round))
        set_running(*e, f.host, now, out);
}

bool ledger::answered(std::uint64_t number, std::uint32_t round, outcome_kind kind, actions& out) {
    entry* const e = tasks_.find(number);
    if (e == nullptr)
        return false;
    ledger_task& t = e->second;
    if (kind == outcome_kind::died) {
        if (!t.is_published_as(round))
            return false; // that attempt was given up already
        t.note_start();
        if (t.may_start_again()) {
            wait_again(*e, out);
            return false;
        }
    }
    tasks_.erase(*e);
    return true;
}

void ledger::declined(const declined_frame& f, actions& out) {
    entry* const e = tasks_.find(f.number);
    if (e == nullptr || !e->second.is_published_as(f.round))
        return;
    if (f.reason == decline_reason::draining ||
        (settings_.starts_are_certain && !e->second.round_started))
        wait_again(*e, out);
    else
        died(*e, "the host that had the task was lost, and the task may have run", out);
}

void ledger::heard(const beat_frame& f, time now, actions& out) {
    hosts_.heard(f.host, f.beat);
    const auto find = [this](const std::vector<std::uint64_t>& listed, std::size_t i) {
        entry* const e = tasks_.find(listed[i]);
        const bool is_it = e != nullptr && e->second.is_published() &&
                           e->second.round == listed[i + 1]; // which has more bits
        return is_it ? e : nullptr;
    };
    for (std::size_t i = 0; i + 1 < f.running.size(); i += 2) {
        if (entry* const e = find(f.running, i))
            set_running(*e, f.host, now, out);
    }
    for (std::size_t i = 0; i + 1 < f.held.size(); i += 2) {
        entry* const e = find(f.held, i);
        if (e != nullptr && e->second.lost_at)
            watch(*e, now);
    }
}

// ---- What becomes of a task ---------------------------------------------------------------------

void ledger::wait_again(entry& e, actions& out) {
    tasks_.wait(e);
    schedule(e);
    out.push_back({what::again, e.first});
}

void ledger::died(entry& e, const char* why, actions& out) {
    ledger_task& t = e.second;
    if (t.at == stage::running)
        hosts_.forget(t.host);
    t.note_start();
    if (t.may_start_again())
        wait_again(e, out);
    else
        fail(e, what::died, why, out);
}

// No host has mentioned it in time.
void ledger::silent(entry& e, time now, actions& out) {
    ledger_task& t = e.second;
    if (!std::exchange(t.asked, true)) {
        // The answer takes a while, also where the clock has jumped.
        t.lost_at = std::max(*t.lost_at, now - beat_of(t) / 2) + beat_of(t);
        schedule(e);
        if (out.empty() || out.back().kind != what::ask_hosts)
            out.push_back({what::ask_hosts});
        return;
    }
    if (t.at == stage::running) {
        died(e, "its host has not been heard of for two beats, and the task may have run", out);
    } else if (t.f.idempotent) {
        wait_again(e, out);
    } else {
        out.push_back({what::tell_hosts, e.first});
        fail(e, what::died, "the broker may have lost the task, or a host may have run it", out);
    }
}

void ledger::fail(entry& e, what kind, std::string text, actions& out) {
    out.push_back({kind, e.first, std::move(text)});
    tasks_.erase(e);
}

// ---- Time ---------------------------------------------------------------------------------------

void ledger::schedule(entry& e) {
    const ledger_task& t = e.second;
    std::optional<time> at = t.lost_at;
    const auto sooner = [&at](time other) { at = at ? std::min(*at, other) : other; };
    const auto out_of_reach_since = reach_.lost_since();
    if (t.f.start_by && t.starts == 0)
        sooner(*t.f.start_by);
    else if (out_of_reach_since && settings_.connect_limit)
        sooner(std::max(t.added, *out_of_reach_since) + *settings_.connect_limit);
    tasks_.schedule(e, at);
}

void ledger::schedule_all() {
    for (entry& e : tasks_.all())
        schedule(e);
}

void ledger::tick(time now, actions& out) {
    while (entry* const e = tasks_.due(now)) {
        const ledger_task& t = e->second;
        const bool published = t.is_published();
        if (t.f.start_by && t.starts == 0 && *t.f.start_by <= now) {
            if (published)
                out.push_back({what::tell_hosts, e->first});
            fail(*e, what::late, {}, out);
        } else if (t.lost_at && *t.lost_at <= now) {
            silent(*e, now, out);
        } else if (published && !t.f.idempotent) {
            fail(*e, what::died, "the broker is out of reach, and the task may have run", out);
        } else {
            fail(*e, what::unreachable, {}, out);
        }
    }
}

} // namespace ferry::detail::cluster
