// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
// The queue of a process pool, and who gets what.
#include "process_core.hpp"

#include "support/fork_count.hpp"
#include "worker_main.hpp"

#include <algorithm>
#include <sys/epoll.h>
#include <sys/eventfd.h>

namespace ferry::detail {

// ---- Submitting ---------------------------------------------------------------------------------

process_core::process_core(process_pool_options options)
    : options_(std::move(options)), forks_(fork_count()), depth_(worker_depth() + 1),
      how_scheduled_(scheduling::of_this_thread()),
      store_(std::min<std::size_t>(options_.max_workers + 1, 256)),
      events_(descriptor::checked(::epoll_create1(EPOLL_CLOEXEC), "epoll_create1")),
      wake_(descriptor::checked(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), "eventfd")),
      decoders_(job_threads::kind::spared, "ferry-decoder", [](remote_call& c) { c.decode(); }),
      callbacks_(job_threads::kind::one, "ferry-callbacks",
                 [](remote_call& c) { c.run_callbacks(); }) {
    watch(wake_.get(), 0, 0, EPOLLIN);
    const auto set = [](deadline& d, deadline::purpose what) { d.what = what; };
    set(look_, deadline::purpose::look);
    set(dispatch_again_, deadline::purpose::dispatch);
    set(start_again_, deadline::purpose::start);
    set(trim_, deadline::purpose::trim);
}

process_core::~process_core() = default;

void process_core::check_open() const {
    if (broken_)
        throw broken_process_pool(why_broken_);
    if (closed_)
        throw shutdown_error();
}

void process_core::throw_if_closed() {
    if (is_forked_copy())
        throw shutdown_error("the pool belongs to the process that this one was forked from");
    const scoped_lock lock(mutex_);
    check_open();
}

void process_core::submit(held_call c) {
    if (is_forked_copy())
        throw shutdown_error("the pool belongs to the process that this one was forked from");
    bool start = false;
    {
        const scoped_lock lock(mutex_);
        check_open();
        start_threads();
        remote_call& call = *c.call;
        call.place = ++places_;
        queue_.emplace(key_of(call), std::move(c));
        call.submitted_ns = wire::now_ns();
        call.queued = true;
        dispatch();
        start = wants_worker();
    }
    if (start)
        wake_reader();
}

// All of them before the first task, so that whoever asks hears where there are none to be had.
void process_core::start_threads() {
    if (reading_)
        return;
    const signals_blocked quiet;
    const auto self = shared_from_this();
    callbacks_.start(self);
    decoders_.start(self);
    reader_ = std::thread([self] { self->run(); });
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

worker_channel* process_core::find(std::uint32_t id) noexcept {
    const auto it = workers_.find(id);
    return it != workers_.end() ? it->second.get() : nullptr;
}

// An idle worker, best the one that knows the mapping in which the arguments are; else, once all are
// there, the one that holds least, as long as that is not too much.
worker_channel* process_core::pick(const remote_call& c) noexcept {
    const std::size_t depth =
        workers_.size() < options_.max_workers ? 1 : hand_out_depth(mean_run_ns_, wire::slot_count);
    const segment* const s = c.arguments.shared();
    worker_channel* best = nullptr;
    for (const auto& [id, w] : workers_) {
        const std::size_t held = w->life.held();
        if (w->life.quota() == 0 || held >= depth || w->refused == rounds_)
            continue;
        if (held == 0 && (s == nullptr || s->owner == 0 || s->owner == id))
            return w.get();
        if (best == nullptr || held < best->life.held())
            best = w.get();
    }
    return best;
}

// Hands out what it can; true where something was.
bool process_core::dispatch_queue() noexcept {
    bool any = false;
    ++rounds_;
    while (!queue_.empty()) {
        worker_channel* const w = pick(*queue_.begin()->second.call);
        if (w == nullptr)
            break;
        auto node = queue_.extract(queue_.begin());
        held_call c = std::move(node.mapped());
        remote_call& call = *c.call;
        call.queued = false;
        if (!call.state().offer())
            continue; // claimed by who is about to say so
        const task_extra* const extra = c.keep->extra.get();
        if (!w->give(c, node, ++numbers_, store_)) {
            requeue({std::move(c), std::move(node)});
            w->refused = rounds_; // the others may have room
            if (w->violation != nullptr)
                act(*w, w->life.kill());
            else if (w->life.held() == 0 && !deadline_list::contains(dispatch_again_))
                arm(dispatch_again_, clock::now() + std::chrono::milliseconds(10));
            continue;
        }
        any = true;
        if (!deadline_list::contains(look_))
            arm(look_, clock::now() + look_interval);
        if (extra == nullptr)
            continue;
        if (const auto limit = extra->limit.deadline())
            arm(w->run_time[call.slot], *limit);
    }
    return any;
}

void process_core::requeue(worker_channel::taken t) noexcept {
    remote_call& call = *t.task.call;
    call.state().unoffer();
    call.queued = true;
    t.node.key() = key_of(call);
    t.node.mapped() = std::move(t.task);
    queue_.insert(std::move(t.node));
}

void process_core::dispatch() noexcept {
    dispatch_queue();
    if (queue_.empty())
        steal();
}

// Gives an idle worker half of what waits behind the task of another.
void process_core::steal() noexcept {
    for (const auto& [id, thief] : workers_) {
        if (thief->life.quota() == 0 || thief->life.held() != 0)
            continue;
        worker_channel* victim = nullptr;
        for (const auto& [other, w] : workers_) {
            if (w->life.held() >= 2 && (victim == nullptr || w->life.held() > victim->life.held()))
                victim = w.get();
        }
        if (victim == nullptr)
            return;
        std::array<const remote_call*, wire::slot_count> latest;
        std::size_t count = 0;
        for (const auto& h : victim->held) {
            if (h)
                latest[count++] = h.call;
        }
        std::sort(latest.begin(), latest.begin() + static_cast<std::ptrdiff_t>(count),
                  [](const auto* a, const auto* b) { return a->number > b->number; });
        for (std::size_t i = 0; i < count / 2; ++i) {
            auto t = victim->revoke(latest[i]->slot);
            if (!t.task)
                break;
            requeue(std::move(t));
        }
        if (queue_.empty() || !dispatch_queue())
            return;
    }
}

bool process_core::wants_worker() const noexcept {
    if (queue_.empty() || broken_ || workers_.size() >= options_.max_workers ||
        deadline_list::contains(start_again_))
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

void process_core::act(worker_channel& w, worker_lifecycle::action a) noexcept {
    using action = worker_lifecycle::action;
    switch (a) {
    case action::nothing: break;
    case action::tell_to_leave: w.tell_to_leave(); break;
    case action::terminate: w.process->signal(SIGTERM); break;
    case action::kill: w.process->signal(SIGKILL); break;
    }
    if (a == action::tell_to_leave || a == action::terminate)
        arm_grace(w.grace);
    if (a == action::tell_to_leave && !deadline_list::contains(look_))
        arm(look_, clock::now() + look_interval);
}

void process_core::violated(worker_channel& w, const char* what) noexcept {
    if (w.violation == nullptr)
        w.violation = what;
    act(w, w.life.kill());
}

void process_core::arm_grace(deadline& d) noexcept {
    if (const auto at = options_.kill_grace.deadline())
        arm(d, *at);
}

void process_core::arm(deadline& d, clock::time_point at) noexcept {
    if (deadlines_.put(d, at))
        wake_reader();
}

// Only the worker that still runs that very task is ended for it.
bool process_core::kill_for(worker_channel& w, std::uint16_t slot) noexcept {
    if (!w.memory->slots[slot].move(w.held[slot].call->number, wire::slot_state::claimed,
                                    wire::slot_state::condemned))
        return false;
    w.condemned_slots |= std::uint64_t(1) << slot;
    act(w, w.life.terminate());
    return true;
}

} // namespace ferry::detail
