// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
// A process pool: submitting, handing out, and ending workers.
#include "process_core.hpp"

#include "fingerprint.hpp"
#include "signals_blocked.hpp"
#include "support/fork_count.hpp"

#include <ferry/detail/assert.hpp>

#include <algorithm>
#include <random>
#include <sys/epoll.h>

namespace ferry::detail {
namespace {

// Which worker has such arguments mapped, or 0.
std::uint32_t owner_of(const payload& arguments) noexcept {
    const segment* const s = arguments.shared();
    return s != nullptr ? s->owner : 0;
}

// Whether they must be copied before that worker may see them.
bool needs_copy(const payload& arguments, std::uint32_t worker) noexcept {
    if (arguments.size() < large_payload)
        return false;
    const segment* const s = arguments.shared();
    return s == nullptr || (s->owner != 0 && s->owner != worker);
}

std::uint64_t secret() {
    std::random_device random;
    return std::uint64_t(random()) << 32 | random();
}

} // namespace

// ---- Submitting ---------------------------------------------------------------------------------

process_core::process_core(process_pool_options options)
    : options_(std::move(options)), forks_(fork_count()),
      bounded_(process_line::limits_of(options_).any()), seed_(secret()), factory_(options_),
      store_(std::min<std::size_t>(options_.max_workers + 1, 256)),
      events_(descriptor::checked(::epoll_create1(EPOLL_CLOEXEC), "epoll_create1")),
      dispatcher_(options_.max_workers, wire::slot_count), line_(options_, dispatcher_),
      quarantine_(options_.quarantine_after, options_.quarantine_time), timers_(wake_),
      workers_(options_.kill_grace, timers_), figures_(options_.name, options_.max_workers) {
    watch(wake_.file(), 0, source::wake, EPOLLIN);
}

process_core::~process_core() = default;

void process_core::throw_if_forked() const {
    if (is_forked_copy())
        throw shutdown_error("the pool belongs to the process that this one was forked from");
}

void process_core::check_open() {
    throw_if_forked();
    const scoped_lock lock(mutex_);
    phase_.check_open();
}

void process_core::fingerprint_call(remote_call& c) const noexcept {
    if (options_.quarantine_after != 0 && !c.is_chunk)
        c.fingerprint = fingerprint(c.entry, c.arguments.bytes(), seed_);
}

void process_core::note_submission(remote_call& c) noexcept {
    c.priority = c.state().priority;
    c.known_to = owner_of(c.arguments);
    c.submitted_ns = wire::now_ns();
    figures_.submitted(c);
}

void process_core::submit_all(std::span<const remote_call_ptr> calls) {
    std::vector<std::exception_ptr> refused(calls.size());
    if (bounded_) {
        check_open();
        for (std::size_t i = 0; i < calls.size(); ++i) {
            try {
                submit(calls[i], entrance::thread);
            } catch (const std::exception&) {
                refused[i] = std::current_exception();
            }
        }
    } else {
        throw_if_forked();
        for (const remote_call_ptr& c : calls)
            fingerprint_call(*c);
        bool start = false;
        {
            scoped_lock lock(mutex_);
            phase_.check_open();
            start_threads();
            for (std::size_t i = 0; i < calls.size(); ++i) {
                try {
                    quarantine_.check(*calls[i]);
                } catch (const std::exception&) {
                    refused[i] = std::current_exception();
                    continue;
                }
                note_submission(*calls[i]);
                dispatcher_.push(*remote_call_ptr(calls[i]).detach()); // the queue's
            }
            dispatch(lock);
            start = wants_worker();
        }
        if (start)
            wake_.set();
    }
    for (std::size_t i = 0; i < calls.size(); ++i) {
        if (refused[i] != nullptr)
            calls[i]->fail(std::move(refused[i]));
    }
}

void process_core::submit(remote_call_ptr c, entrance e) {
    throw_if_forked();
    shared_state_base& state = c->state();
    fingerprint_call(*c);
    if (bounded_) {
        shared_state_base::catch_up(); // tasks that make room may wait for that
        if (e != entrance::map && !is_callback_thread() && !limit_wait(options_.max_wait, state))
            return;
        state.owner = this;
    }
    const bool expires = state.extra != nullptr && state.extra->start_by.has_value();
    if (expires)
        arm_timer(state, *state.extra->start_by, timer_purpose::start_by);
    bool start = false;
    try {
        scoped_lock lock(mutex_);
        phase_.check_open();
        quarantine_.check(*c);
        start_threads();
        if (state.extra != nullptr && state.extra->progress != nullptr)
            jobs_.start_reports(shared_from_this());
        note_submission(*c);
        entered in = entered::yes;
        if (!bounded_)
            dispatcher_.push(*c);
        else
            in = line_.enter_or_stand(*c, e, is_callback_thread(), lock);
        if (in == entered::closed)
            phase_.check_open();
        if (in != entered::expired)
            static_cast<void>(c.detach()); // the queue's, or the line's
        dispatch(lock);
        start = wants_worker();
    } catch (...) {
        if (expires)
            static_cast<void>(disarm_timer(state));
        throw;
    }
    if (start)
        wake_.set();
    if (bounded_)
        drop_given_up();
}

// All of them before the first task, so that whoever asks hears where there are none to be had.
void process_core::start_threads() {
    if (reading_)
        return;
    const signals_blocked quiet;
    const auto self = shared_from_this();
    jobs_.start(self);
    reader_ = std::thread([self] { self->run(); });
    reading_ = true;
}

// ---- Handing tasks out --------------------------------------------------------------------------

void process_core::on_claimed_in_line(shared_state_base& task) noexcept {
    if (is_forked_copy())
        return;
    {
        scoped_lock lock(mutex_);
        line_.claimed(task);
        dispatch(lock);
    }
    drop_given_up();
}

// The line's shares of what has left it.
void process_core::drop_given_up() noexcept {
    fifo all;
    {
        const scoped_lock lock(mutex_);
        all = line_.take_given_up();
    }
    while (work_item* const r = all.pop()) {
        auto& state = static_cast<shared_state_base&>(*r);
        remote_call_ptr keep(&dynamic_cast<remote_call&>(state));
        state.shared_state_base::run(); // ends the share of the line
        jobs_.let_go_of(std::move(keep));
    }
}

// Tells everybody who stands in the line that the pool takes nothing any more.
void process_core::turn_away(const std::exception_ptr& why) noexcept {
    std::vector<admission::place> all;
    {
        const scoped_lock lock(mutex_);
        all = line_.clear();
    }
    for (const admission::place& p : all) {
        remote_call_ptr keep(static_cast<remote_call*>(p.own));
        keep->refuse(why);
        p.task->shared_state_base::run(); // ends the share of the line
        jobs_.let_go_of(std::move(keep));
    }
}

void process_core::dispatch(scoped_lock& lock) noexcept {
    using action = dispatcher::action;
    if (bounded_)
        line_.advance();
    dispatcher_.begin_round();
    for (;;) {
        if (quarantine_.is_pending())
            return;
        const dispatcher::step s = dispatcher_.next();
        if (s.what == action::nothing) {
            figures_.queue_has(dispatcher_.size());
            return;
        }
        remote_call& call = static_cast<remote_call&>(*s.item);
        if (s.what == action::give && quarantine_.sentence_of(call)) {
            quarantine_.found();
            wake_.set();
            return;
        }
        if (s.what == action::give && needs_copy(call.arguments, s.worker->id))
            copy_arguments(call, static_cast<worker_channel&>(*s.worker), lock);
        else if (s.what == action::give) {
            offer(call, static_cast<worker_channel&>(*s.worker));
            if (bounded_)
                line_.advance(); // its bytes wait no more
        } else if (remote_call_ptr c = revoke_held(call))
            requeue(std::move(c));
        else
            dispatcher_.not_revoked();
    }
}

void process_core::offer(remote_call& call, worker_channel& w) noexcept {
    remote_call_ptr c = take_first();
    FERRY_ASSERT(c == &call);
    if (!call.state().offer())
        return; // the thread that has claimed it is about to report that
    if (!w.send(c, dispatcher_.next_number(), store_)) {
        requeue(std::move(c));
        refuse(w);
        return;
    }
    dispatcher_.given(call, w);
    line_.uncount_first(w);
    note(w);
    timers_.ensure(deadline::purpose::check, reader_timers::check_interval);
    if (w.limits)
        timers_.ensure(deadline::purpose::limits, w.limits->until_next(1));
    const task_extra* const extra = call.state().extra.get();
    if (extra == nullptr)
        return;
    if (const auto limit = extra->limit.deadline())
        timers_.arm(w.run_time[call.slot], *limit);
}

// Copies large arguments into a mapping that the worker may see, without the lock. Whoever cancels
// the task meanwhile finds it nowhere, so that only a task that nobody has claimed is put back.
void process_core::copy_arguments(remote_call& call, worker_channel& w,
                                  scoped_lock& lock) noexcept {
    if (w.is_full_of_large()) {
        dispatcher_.refused(w);
        return;
    }
    const remote_call_ptr c = take_first();
    FERRY_ASSERT(c == &call);
    const std::uint32_t id = w.id;
    ++w.promised;
    ++copying_;
    payload from = std::move(call.arguments);
    lock.unlock();
    payload to = store_.copy_for(id, from);
    const bool copied = to.size() != 0;
    if (copied)
        std::swap(from, to);
    to = {};
    lock.lock();
    call.arguments = std::move(from);
    --copying_;
    worker_channel* const target = workers_.find(id); // null if it has ended
    if (target != nullptr)
        --target->promised;
    if (!call.state().is_claimed() && !phase_.is_broken())
        requeue(c);
    if (target != nullptr && !copied)
        refuse(*target);
    if (!dispatcher::is_queued(call)) {
        payload unneeded = std::move(call.arguments);
        const bool fail = phase_.is_broken() && !call.state().is_claimed();
        if (fail)
            figures_.failed(call);
        const bool last = phase_.is_closed() && !has_unfinished();
        changed_.notify_all();
        lock.unlock();
        unneeded = {};
        if (fail)
            call.fail(phase_.error());
        if (last)
            wake_.set();
        lock.lock();
    }
    if (bounded_)
        line_.advance();
    dispatcher_.resume_round();
}

// There is no room in it now; the others may have some.
void process_core::refuse(worker_channel& w) noexcept {
    dispatcher_.refused(w);
    if (w.violation != nullptr)
        workers_.kill(w);
    else if (w.life.held() == 0)
        timers_.ensure(deadline::purpose::dispatch, reader_timers::moment);
}

// Takes the first one out of the queue; null if there is none.
remote_call_ptr process_core::take_first() noexcept {
    dispatch_item* const first = dispatcher_.first();
    if (first == nullptr)
        return {};
    dispatcher_.remove(*first);
    return {static_cast<remote_call*>(first), false};
}

// Takes a task from its worker, unless that has started it.
remote_call_ptr process_core::revoke_held(remote_call& call) noexcept {
    worker_channel* const w = call.at;
    FERRY_ASSERT(w != nullptr && w->held[call.slot] == &call);
    if (!w->revoke(call.slot))
        return {};
    dispatcher_.taken_back(call, *w);
    note(*w);
    return w->release(call.slot);
}

// It was answered, or its worker has ended. The caller does what follows for the worker.
worker_lifecycle::action process_core::release(remote_call& call, remote_call_ptr& task) noexcept {
    worker_channel& w = *call.at;
    FERRY_ASSERT(w.held[call.slot] == &call);
    task = w.release(call.slot);
    line_.uncount(call);
    const auto next = dispatcher_.answered(call, w);
    line_.uncount_first(w);
    note(w);
    return next;
}

void process_core::requeue(remote_call_ptr c) noexcept {
    FERRY_ASSERT(c->at == nullptr);
    remote_call& call = *c.detach(); // the queue's
    call.state().unoffer();
    call.known_to = owner_of(call.arguments);
    dispatcher_.requeue(call);
}

bool process_core::wants_worker() const noexcept {
    return !phase_.is_broken() && !timers_.is_armed(deadline::purpose::start) &&
           dispatcher_.wants_worker();
}

bool process_core::has_unfinished() const noexcept {
    return !dispatcher_.empty() || copying_ != 0 || finishing_ != 0 || dispatcher_.any_held();
}

// It does not start what else it was given.
void process_core::retire(worker_channel& w) noexcept {
    for (const auto& c : w.held) {
        if (c == nullptr)
            continue;
        if (remote_call_ptr unstarted = revoke_held(*c))
            requeue(std::move(unstarted));
    }
    workers_.perform(w, w.life.retire());
}

} // namespace ferry::detail
