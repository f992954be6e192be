// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
// The queue of a process pool, who gets what, and its end. The reader is in reader.cpp.
#include "process_core.hpp"

#include "worker_main.hpp"

#include <algorithm>
#include <sys/epoll.h>
#include <sys/eventfd.h>

namespace ferry::detail {
namespace {

std::int64_t now_ns() {
    return std::chrono::nanoseconds(timeout::clock::now().time_since_epoch()).count();
}

} // namespace

// ---- What tasks tell their pool -----------------------------------------------------------------

void work_dropped(process_core& core, remote_call& call, bool expired) noexcept {
    core.dropped(call, expired);
}
bool take_call_back(process_core& core, remote_call& call) noexcept { return core.take_back(call); }
bool call_started(const process_core& core, const remote_call& call) noexcept {
    return core.started(call);
}
bool ask_call_to_stop(process_core& core, remote_call& call) noexcept {
    return core.ask_to_stop(call);
}
bool cancel_running_call(process_core& core, remote_call& call) noexcept {
    return core.cancel_running(call);
}
void run_callbacks_later(process_core& core, remote_call& call) { core.run_callbacks_later(call); }
void throw_if_closed(process_core& core) { core.throw_if_closed(); }
segment_store& store_of(process_core& core) noexcept { return core.store(); }

void submit_call(const std::shared_ptr<process_core>& core,
                 boost::intrusive_ptr<shared_state_base> state, remote_call& call) {
    const bool expires = state->extra != nullptr && state->extra->start_by.has_value();
    if (expires)
        arm_timer(*state, *state->extra->start_by, timer_purpose::start_by);
    try {
        core->submit({state, &call});
    } catch (...) {
        if (expires)
            static_cast<void>(disarm_timer(*state));
        throw;
    }
}

std::vector<std::byte> encode_alone(const std::function<void(byte_sink&)>& encode) {
    segment_store store(0);
    byte_sink out(store);
    encode(out);
    const auto bytes = out.bytes();
    return {bytes.begin(), bytes.end()};
}

// ---- Submitting ---------------------------------------------------------------------------------

process_core::process_core(process_pool_options options)
    : options_(std::move(options)), process_(::getpid()), depth_(worker_depth() + 1),
      store_(options_.max_workers + 1),
      events_(descriptor::checked(::epoll_create1(EPOLL_CLOEXEC), "epoll_create1")),
      wake_(descriptor::checked(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), "eventfd")) {
    if (const auto& init = options_.initializer.call_) {
        byte_sink out(store_);
        out.write(init->arguments.data(), init->arguments.size());
        initializer_ = out.finish();
    }
}

process_core::~process_core() = default;

void process_core::throw_if_closed() {
    const short_lock lock(mutex_);
    if (broken_)
        throw broken_process_pool(why_broken_);
    if (closed_)
        throw shutdown_error();
}

void process_core::submit(held_call c) {
    bool start = false;
    {
        const short_lock lock(mutex_);
        if (broken_)
            throw broken_process_pool(why_broken_);
        if (closed_)
            throw shutdown_error();
        start_reader();
        remote_call& call = *c.call;
        call.place = ++places_;
        call.submitted_ns = now_ns();
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
        const held_call copy = c;
        if (!w->give(std::move(c), ++numbers_)) {
            requeue(copy);
            break;
        }
        any = true;
        if (const auto limit = call.limit.deadline())
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

// ---- What tasks tell ----------------------------------------------------------------------------

void process_core::dropped(remote_call& c, bool expired) noexcept {
    payload unneeded; // freed without the lock
    held_call entry;
    bool last = false;
    {
        const short_lock lock(mutex_);
        if (c.queued) {
            c.queued = false;
            if (const auto it = queue_.find(key_of(c)); it != queue_.end()) {
                entry = std::move(it->second);
                queue_.erase(it);
            }
        }
        if (c.at == nullptr)
            unneeded = std::move(c.arguments);
        ++(expired ? counts_.failed : counts_.cancelled);
        last = closed_ && !has_unfinished();
        if (closed_)
            changed_.notify_all();
    }
    if (last)
        wake_reader();
}

bool process_core::take_back(remote_call& c) noexcept {
    const short_lock lock(mutex_);
    if (c.at == nullptr)
        return true; // it is not out any more
    if (!c.at->take_back(c))
        return false;
    c.state().hand_back();
    return true;
}

bool process_core::started(const remote_call& c) const noexcept {
    const short_lock lock(mutex_);
    return c.at != nullptr && !c.at->slot_of(c).is(c.number, wire::slot_state::offered);
}

bool process_core::ask_to_stop(remote_call& c) noexcept {
    const short_lock lock(mutex_);
    return c.stops && c.at != nullptr && c.at->slot_of(c).is(c.number, wire::slot_state::claimed) &&
           c.at->ask_to_stop(c.number);
}

bool process_core::cancel_running(remote_call& c) noexcept {
    std::vector<verdict> verdicts;
    {
        const short_lock lock(mutex_);
        if (c.at == nullptr)
            return true; // its outcome is on its way
        worker_link& w = *c.at;
        if (c.stops) {
            if (w.ask_to_stop(c.number))
                arm_grace({timer::purpose::stop_grace, w.id, c.number, c.slot});
        } else {
            const held_call task = w.held[c.slot];
            if (condemn(w, c.slot, c.number)) {
                ++counts_.cancelled;
                verdicts.push_back({task, nullptr});
            }
        }
    }
    pass(verdicts);
    return true;
}

void process_core::run_callbacks_later(remote_call& c) {
    callbacks_.post(
        [keep = boost::intrusive_ptr<shared_state_base>(&c.state()), &c] { c.run_callbacks(); },
        shared_from_this());
}

void process_core::pass(std::vector<verdict>& verdicts) {
    for (auto& v : verdicts) {
        if (v.error != nullptr)
            v.task.call->fail(std::move(v.error));
        else
            v.task.call->finish_cancelled();
        v.task = {};
    }
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

// ---- Ending -------------------------------------------------------------------------------------

std::size_t process_core::close(bool cancel) {
    std::vector<held_call> all;
    {
        const short_lock lock(mutex_);
        closed_ = true;
        if (cancel) {
            for (const auto& [key, c] : queue_)
                all.push_back(c);
            for (const auto& [id, w] : workers_) {
                for (const auto& h : w->held) {
                    if (h)
                        all.push_back(h);
                }
            }
        }
        if (!reading_)
            reader_ended_ = true;
    }
    wake_reader();
    std::size_t cancelled = 0;
    for (const auto& c : all)
        cancelled += c.keep->cancel() ? 1 : 0;
    return cancelled;
}

void process_core::join() {
    std::thread mine;
    {
        short_lock lock(mutex_);
        while (!reader_ended_)
            changed_.wait(lock);
        mine.swap(reader_);
    }
    if (mine.joinable())
        mine.join();
    callbacks_.finish();
}

shutdown_report process_core::close_within(timeout limit) {
    const auto deadline = limit.deadline();
    shutdown_report report;
    close(false);
    std::uint64_t before = 0;
    {
        short_lock lock(mutex_);
        before = counts_.completed + counts_.failed;
        while (has_unfinished() && !(deadline && clock::now() >= *deadline)) {
            if (deadline)
                changed_.wait_until(lock, *deadline);
            else
                changed_.wait(lock);
        }
        report.finished = static_cast<std::size_t>(counts_.completed + counts_.failed - before);
    }
    report.dropped = close(true);
    {
        const short_lock lock(mutex_);
        for (const auto& [id, w] : workers_) {
            if (const held_call* const h = w->running()) {
                report.stuck.push_back(
                    {h->call->call_label(),
                     std::chrono::nanoseconds(now_ns() - w->memory->started_ns)});
                act(*w, w->life.kill());
            }
        }
    }
    join();
    return report;
}

void process_core::end_workers(bool gently) {
    close(true);
    {
        const short_lock lock(mutex_);
        for (const auto& [id, w] : workers_)
            act(*w, gently ? w->life.terminate() : w->life.kill());
    }
    short_lock lock(mutex_);
    while (!reader_ended_)
        changed_.wait(lock);
}

bool process_core::is_forked_copy() const noexcept { return process_ != ::getpid(); }

void process_core::forsake() {
    static_cast<void>(new std::shared_ptr<process_core>(shared_from_this()));
}

// ---- Statistics ---------------------------------------------------------------------------------

void process_core::record(histogram& h, std::int64_t ns) {
    std::size_t bucket = 0;
    while (bucket + 1 < histogram::buckets && ns >= histogram::limit(bucket).count())
        ++bucket;
    ++h[bucket];
}

pool_stats process_core::stats() {
    const short_lock lock(mutex_);
    pool_stats s = counts_;
    s.queued = queue_.size();
    s.workers = workers_.size();
    for (const auto& [id, w] : workers_) {
        const bool busy = w->running() != nullptr;
        s.running += busy ? 1 : 0;
        s.queued += w->life.held() - (busy ? 1 : 0);
    }
    s.idle = s.workers - s.running;
    return s;
}

} // namespace ferry::detail
