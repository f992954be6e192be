// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
// The queue of a process pool, and who gets what.
#include "process_core.hpp"

#include "worker_main.hpp"

#include <algorithm>
#include <sys/epoll.h>
#include <sys/eventfd.h>

namespace ferry::detail {

// ---- Submitting ---------------------------------------------------------------------------------

process_core::process_core(process_pool_options options)
    : options_(std::move(options)), process_(::getpid()), depth_(worker_depth() + 1),
      how_scheduled_(scheduling::of_this_thread()), store_(options_.max_workers + 1),
      events_(descriptor::checked(::epoll_create1(EPOLL_CLOEXEC), "epoll_create1")),
      wake_(descriptor::checked(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), "eventfd")) {
    if (const auto& init = options_.initializer.call_) {
        byte_sink out(store_);
        out.write(init->arguments.data(), init->arguments.size());
        initializer_ = out.finish();
    }
}

process_core::~process_core() = default;

void process_core::check_open() const {
    if (broken_)
        throw broken_process_pool(why_broken_);
    if (closed_)
        throw shutdown_error();
}

void process_core::throw_if_closed() {
    const short_lock lock(mutex_);
    check_open();
}

void process_core::submit(held_call c) {
    bool start = false;
    {
        const short_lock lock(mutex_);
        check_open();
        start_reader();
        remote_call& call = *c.call;
        call.place = ++places_;
        call.submitted_ns = wire::now_ns();
        call.queued = true;
        queue_.emplace(key_of(call), std::move(c));
        dispatch();
        start = wants_worker();
    }
    if (start)
        wake_reader();
}

void process_core::start_reader() {
    if (reading_)
        return;
    const signals_blocked quiet;
    reader_ = std::thread([self = shared_from_this()] { self->run(); });
    reading_ = true;
}

void process_core::wake_reader() noexcept {
    if (woken_.exchange(true))
        return;
    const std::uint64_t one = 1;
    while (::write(wake_.get(), &one, sizeof one) < 0 && errno == EINTR) {
    }
}

// ---- Who gets what ------------------------------------------------------------------------------

worker_link* process_core::find(std::uint32_t id) noexcept {
    const auto it = workers_.find(id);
    return it != workers_.end() ? it->second.get() : nullptr;
}

// The first idle worker; else, once all are there, the one that holds least, as long as that is not
// too much.
worker_link* process_core::pick() noexcept {
    const std::size_t depth =
        workers_.size() < options_.max_workers ? 1 : hand_out_depth(mean_run_ns_, wire::slot_count);
    worker_link* best = nullptr;
    for (const auto& [id, w] : workers_) {
        const std::size_t held = w->life.held();
        if (w->life.quota() == 0 || held >= depth)
            continue;
        if (held == 0)
            return w.get();
        if (best == nullptr || held < best->life.held())
            best = w.get();
    }
    return best;
}

// Hands out what it can; true where something was.
bool process_core::dispatch_queue() {
    bool any = false;
    while (!queue_.empty()) {
        worker_link* const w = pick();
        if (w == nullptr)
            break;
        auto node = queue_.extract(queue_.begin());
        held_call c = std::move(node.mapped());
        remote_call& call = *c.call;
        call.queued = false;
        if (!call.state().hand_out())
            continue; // claimed by who is about to say so
        if (!w->give(c, ++numbers_)) {
            requeue(std::move(c));
            break;
        }
        any = true;
        if (c.keep->extra == nullptr)
            continue;
        if (const auto limit = c.keep->extra->limit.deadline())
            arm(*limit, {timer::purpose::run_time, w->id, call.number, call.slot});
    }
    return any;
}

void process_core::requeue(held_call c) {
    remote_call& call = *c.call;
    call.state().hand_back();
    call.queued = true;
    queue_.emplace(key_of(call), std::move(c));
}

void process_core::dispatch() {
    dispatch_queue();
    if (queue_.empty())
        steal();
}

// Gives an idle worker half of what waits behind the task of another.
void process_core::steal() {
    for (const auto& [id, thief] : workers_) {
        if (thief->life.quota() == 0 || thief->life.held() != 0)
            continue;
        worker_link* victim = nullptr;
        for (const auto& [other, w] : workers_) {
            if (w->life.held() >= 2 && (victim == nullptr || w->life.held() > victim->life.held()))
                victim = w.get();
        }
        if (victim == nullptr)
            return;
        std::vector<held_call> latest;
        for (const auto& h : victim->held) {
            if (h)
                latest.push_back(h);
        }
        std::sort(latest.begin(), latest.end(), [](const held_call& a, const held_call& b) {
            return a.call->number > b.call->number;
        });
        latest.resize(latest.size() / 2);
        for (auto& c : latest) {
            if (!victim->take_back(*c.call))
                break;
            requeue(std::move(c));
        }
        if (queue_.empty() || !dispatch_queue())
            return;
    }
}

bool process_core::wants_worker() const noexcept {
    if (queue_.empty() || broken_ || workers_.size() >= options_.max_workers)
        return false;
    const auto starting =
        static_cast<std::size_t>(std::count_if(workers_.begin(), workers_.end(), [](const auto& w) {
            return w.second->life.now() == worker_lifecycle::stage::starting;
        }));
    return queue_.size() > starting;
}

bool process_core::has_unfinished() const noexcept {
    return !queue_.empty() || finishing_ != 0 ||
           std::any_of(workers_.begin(), workers_.end(),
                       [](const auto& w) { return w.second->life.held() != 0; });
}

// ---- Workers that are to end --------------------------------------------------------------------

void process_core::act(worker_link& w, worker_lifecycle::action a) {
    using action = worker_lifecycle::action;
    switch (a) {
    case action::nothing: break;
    case action::tell_to_leave: w.tell_to_leave(); break;
    case action::terminate: w.process->signal(SIGTERM); break;
    case action::kill: w.process->signal(SIGKILL); break;
    }
    if (a == action::tell_to_leave || a == action::terminate)
        arm_grace({timer::purpose::grace, w.id, 0, 0});
}

void process_core::arm_grace(const timer& t) {
    if (const auto at = options_.kill_grace.deadline())
        arm(*at, t);
}

void process_core::arm(clock::time_point at, timer t) {
    const auto it = timers_.emplace(at, t);
    if (it == timers_.begin())
        wake_reader();
}

// Only the worker that still runs that very task is ended for it.
bool process_core::condemn(worker_link& w, std::uint16_t slot, std::uint64_t task) {
    if (!w.memory->slots[slot].move(task, wire::slot_state::claimed, wire::slot_state::condemned))
        return false;
    act(w, w.life.terminate());
    return true;
}

} // namespace ferry::detail
