// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include "process_state.hpp"

#include <ferry/detail/assert.hpp>

#include <algorithm>
#include <utility>

namespace ferry::detail {
namespace {

// Whether the arguments must be copied before that worker may map them.
bool needs_copy(const payload& arguments, std::uint32_t worker) noexcept {
    if (arguments.size() < large_payload)
        return false;
    const segment* const s = arguments.shared();
    return s == nullptr || (s->owner != 0 && s->owner != worker);
}

} // namespace

std::uint32_t owner_of(const payload& arguments) noexcept {
    const segment* const s = arguments.shared();
    return s != nullptr ? s->owner : 0;
}

process_state::process_state(process_pool_options o)
    : options(std::move(o)), bounded(admission_limits::of(options).any()), factory(options),
      store(std::min<std::size_t>(options.max_workers + 1, 256)),
      dispatching(options.max_workers, wire::slot_count), line(options, dispatching),
      quarantine(options.quarantine_after, options.quarantine_time), timers(wake),
      workers(options.kill_grace, timers), figures(options.name, options.max_workers) {}

// ---- Handing tasks out --------------------------------------------------------------------------

void process_state::dispatch(scoped_lock& lock) noexcept {
    using action = dispatcher::action;
    if (bounded)
        line.advance();
    dispatching.begin_round();
    for (;;) {
        if (quarantine.is_pending())
            return;
        const dispatcher::step s = dispatching.next();
        if (s.what == action::nothing) {
            figures.queue_has(dispatching.queue().size());
            return;
        }
        remote_call& call = static_cast<remote_call&>(*s.item);
        if (s.what == action::give && quarantine.sentence_of(call)) {
            quarantine.found();
            wake.set();
            return;
        }
        if (s.what == action::give && needs_copy(call.arguments, s.worker->id))
            copy_arguments(call, static_cast<worker_channel&>(*s.worker), lock);
        else if (s.what == action::give) {
            offer(call, static_cast<worker_channel&>(*s.worker));
            if (bounded)
                line.advance(); // its bytes do not count as waiting any more
        } else if (remote_call_ptr c = revoke(call))
            requeue(std::move(c));
        else
            dispatching.not_revoked();
    }
}

void process_state::offer(remote_call& call, worker_channel& w) noexcept {
    remote_call_ptr c = take_first();
    FERRY_ASSERT(c == &call);
    if (!call.state().offer())
        return; // another thread has claimed it, and is about to call `dropped`
    if (!w.send(c, dispatching.next_number(), store)) {
        requeue(std::move(c));
        refuse(w);
        return;
    }
    dispatching.given(call, w);
    line.uncount_first(w);
    note(w);
    timers.ensure(deadline::purpose::check, reader_timers::check_interval);
    if (w.limits)
        timers.ensure(deadline::purpose::limits, w.limits->until_next(1));
    const task_extra* const extra = call.state().extra.get();
    if (extra == nullptr)
        return;
    if (const auto limit = extra->limit.deadline())
        timers.arm(w.deadlines.run_time[call.slot], *limit);
}

// Copies large arguments into a mapping for the worker, without the lock. A thread that cancels the
// task meanwhile finds it neither in the queue nor with a worker, so the task goes back to the
// queue only if nobody has claimed it.
void process_state::copy_arguments(remote_call& call, worker_channel& w,
                                   scoped_lock& lock) noexcept {
    if (w.slots->is_full_of_large()) {
        dispatching.refused(w);
        return;
    }
    const remote_call_ptr c = take_first();
    FERRY_ASSERT(c == &call);
    const std::uint32_t id = w.id;
    ++w.promised;
    add_between(1);
    payload from = std::move(call.arguments);
    lock.unlock();
    payload to = store.copy_for(id, from);
    const bool copied = to.size() != 0;
    if (copied)
        std::swap(from, to);
    to = {};
    lock.lock();
    call.arguments = std::move(from);
    remove_between(1);
    worker_channel* const target = workers.find(id); // null if the worker has ended meanwhile
    if (target != nullptr)
        --target->promised;
    if (!call.state().is_claimed() && !phase.is_broken())
        requeue(c);
    if (target != nullptr && !copied)
        refuse(*target);
    if (!dispatch_queue::contains(call)) {
        payload unneeded = std::move(call.arguments);
        const bool fail = phase.is_broken() && !call.state().is_claimed();
        if (fail)
            figures.failed(call);
        const bool last = phase.is_closed() && !has_unfinished();
        changed.notify_all();
        lock.unlock();
        unneeded = {};
        if (fail)
            call.fail(phase.error());
        if (last)
            wake.set();
        lock.lock();
    }
    if (bounded)
        line.advance();
    dispatching.resume_round();
}

// The worker has no room now. If it holds nothing whose answer would make room, it is asked again
// after a moment.
void process_state::refuse(worker_channel& w) noexcept {
    dispatching.refused(w);
    if (w.end.violation != nullptr)
        workers.kill(w);
    else if (w.life.held() == 0)
        timers.ensure(deadline::purpose::dispatch, reader_timers::moment);
}

remote_call_ptr process_state::take_first() noexcept {
    dispatch_item* const first = dispatching.queue().first();
    if (first == nullptr)
        return {};
    dispatching.queue().remove(*first);
    return {static_cast<remote_call*>(first), false};
}

remote_call_ptr process_state::revoke(remote_call& call) noexcept {
    worker_channel* const w = call.at;
    FERRY_ASSERT(w != nullptr && (*w->slots)[call.slot] == &call);
    if (!w->slots->revoke(call.slot))
        return {};
    dispatching.taken_back(call, *w);
    line.uncount_first(*w); // the item that is first now, if the taken one was
    note(*w);
    return w->release(call.slot);
}

worker_lifecycle::action process_state::release(remote_call& call, remote_call_ptr& task) noexcept {
    worker_channel& w = *call.at;
    FERRY_ASSERT((*w.slots)[call.slot] == &call);
    task = w.release(call.slot);
    line.uncount(call);
    const auto next = dispatching.answered(call, w);
    line.uncount_first(w);
    note(w);
    return next;
}

void process_state::requeue(remote_call_ptr c) noexcept {
    FERRY_ASSERT(c->at == nullptr);
    remote_call& call = *c.detach(); // a reference of the queue
    call.state().unoffer();
    call.known_to = owner_of(call.arguments);
    dispatching.queue().requeue(call);
}

bool process_state::wants_worker() const noexcept {
    return !phase.is_broken() && !timers.is_armed(deadline::purpose::start) &&
           dispatching.wants_worker();
}

bool process_state::has_unfinished() const noexcept {
    return !dispatching.queue().empty() || between_ != 0 || dispatching.workers().any_held();
}

void process_state::retire(worker_channel& w) noexcept {
    for (const auto& c : *w.slots) {
        if (c == nullptr)
            continue;
        if (remote_call_ptr unstarted = revoke(*c))
            requeue(std::move(unstarted));
    }
    workers.perform(w, w.life.retire());
}

void process_state::remove_between(std::size_t n) noexcept {
    FERRY_ASSERT(between_ >= n);
    between_ -= n;
}

void process_state::note(const worker_channel& w) noexcept {
    figures.worker_runs(
        w.record, w.items.empty() ? nullptr : static_cast<const remote_call*>(&w.items.front()));
}

// ---- Without the mutex --------------------------------------------------------------------------

worker_channel* process_state::worker_after(std::uint32_t id) noexcept {
    FERRY_ASSERT(reader.is_here()); // since only the reader destroys workers
    const scoped_lock lock(mutex);
    return workers.after(id);
}

void process_state::drop_given_up() noexcept {
    fifo all;
    {
        const scoped_lock lock(mutex);
        all = line.take_given_up();
    }
    while (work_item* const r = all.pop()) {
        auto& state = static_cast<shared_state_base&>(*r);
        remote_call_ptr keep(&dynamic_cast<remote_call&>(state));
        state.shared_state_base::run(); // drops the reference of the line
        jobs.let_go_of(std::move(keep));
    }
}

void process_state::turn_away(const std::exception_ptr& why) noexcept {
    std::vector<admission::place> all;
    {
        const scoped_lock lock(mutex);
        all = line.clear();
    }
    for (const admission::place& p : all) {
        remote_call_ptr keep(static_cast<remote_call*>(p.own));
        keep->refuse(why);
        p.task->shared_state_base::run(); // drops the reference of the line
        jobs.let_go_of(std::move(keep));
    }
}

void process_state::publish(remote_call_ptr c, std::exception_ptr error) noexcept {
    if (error != nullptr)
        c->fail(std::move(error));
    else
        c->finish_cancelled();
    jobs.let_go_of(std::move(c));
}

} // namespace ferry::detail
