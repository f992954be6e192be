// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include "worker_fleet.hpp"

#include <csignal>
#include <utility>

namespace ferry::detail {

worker_channel* worker_fleet::find(std::uint32_t id) noexcept {
    const auto it = workers_.find(id);
    return it != workers_.end() ? it->second.get() : nullptr;
}

worker_channel* worker_fleet::after(std::uint32_t id) noexcept {
    const auto it = workers_.upper_bound(id);
    return it != workers_.end() ? it->second.get() : nullptr;
}

worker_channel& worker_fleet::add(std::unique_ptr<worker_channel> w) {
    const std::uint32_t id = w->id;
    return *workers_.emplace(id, std::move(w)).first->second;
}

std::unique_ptr<worker_channel> worker_fleet::remove(worker_channel& w) noexcept {
    w.deadlines.remove_all();
    return std::move(workers_.extract(w.id).mapped());
}

void worker_fleet::perform(worker_channel& w, worker_lifecycle::action a) noexcept {
    using action = worker_lifecycle::action;
    switch (a) {
    case action::nothing: break;
    case action::request_exit: w.request_exit(); break;
    case action::terminate: w.process->signal(SIGTERM); break;
    case action::kill: w.process->signal(SIGKILL); break;
    }
    if (a == action::request_exit || a == action::terminate)
        arm_grace(w.deadlines.grace);
    if (a == action::request_exit)
        timers_.ensure(deadline::purpose::check, reader_timers::check_interval);
}

void worker_fleet::violated(worker_channel& w, const char* what) noexcept {
    if (w.end.violation == nullptr)
        w.end.violation = what;
    kill(w);
}

// Condemning the slot fails unless the worker still runs that task, so no other task is ended.
bool worker_fleet::terminate_for(worker_channel& w, std::uint16_t slot) noexcept {
    if (!w.slots->condemn(slot))
        return false;
    perform(w, w.life.terminate());
    return true;
}

void worker_fleet::rests(worker_channel& w, clock::time_point since) noexcept {
    if (!w.idle.is_set() || w.life.now() != worker_lifecycle::stage::serving)
        return;
    const auto at = w.idle.rests(since);
    if (!deadline_list::contains(w.deadlines.idle) || w.deadlines.idle.at > at)
        timers_.arm(w.deadlines.idle, at);
}

void worker_fleet::arm_grace(deadline& d) noexcept {
    if (const auto at = kill_grace_.deadline())
        timers_.arm(d, *at);
}

} // namespace ferry::detail
