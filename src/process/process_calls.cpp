// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
// What the tasks of a process pool ask of it: to be dropped, taken back, stopped, ended.
#include "process_core.hpp"

#include <ferry/detail/assert.hpp>

namespace ferry::detail {

void process_core::dropped(remote_call& c, bool failed) noexcept {
    if (is_forked_copy())
        return;
    payload unneeded;      // freed without the lock
    remote_call_ptr entry; // likewise
    bool last = false;
    {
        const scoped_lock lock(mutex_);
        FERRY_ASSERT(!dispatcher::is_queued(c) || c.at == nullptr);
        if (dispatcher::is_queued(c)) {
            dispatcher_.remove(c);
            entry = remote_call_ptr(&c, false);
        }
        line_.uncount(c);
        if (c.at == nullptr)
            unneeded = std::move(c.arguments);
        if (unneeded.size() > large_payload)
            timers_.ensure(deadline::purpose::trim, reader_timers::check_interval);
        if (c.submitted_ns == 0) { // it was refused before it was counted
        } else if (failed) {
            figures_.failed(c);
        } else {
            figures_.cancelled(c);
        }
        last = phase_.is_closed() && !has_unfinished();
        if (phase_.is_closed())
            changed_.notify_all();
        if (bounded_)
            line_.advance();
    }
    if (bounded_)
        drop_given_up();
    if (last)
        wake_.set();
}

bool process_core::revoke(remote_call& c) noexcept {
    if (is_forked_copy())
        return false;      // the workers are the parent's
    remote_call_ptr share; // freed without the lock
    bool start = false;
    {
        scoped_lock lock(mutex_);
        if (c.at == nullptr)
            return true; // it is not out any more
        FERRY_ASSERT(!dispatcher::is_queued(c));
        share = revoke_held(c);
        if (share == nullptr)
            return false;
        c.state().unoffer();
        dispatch(lock); // the worker may hold nothing else, whose answer would tell of its room
        start = wants_worker();
    }
    if (start)
        wake_.set();
    if (bounded_)
        drop_given_up();
    return true;
}

bool process_core::started(const remote_call& c) const noexcept {
    if (is_forked_copy())
        return false;
    const scoped_lock lock(mutex_);
    return c.at != nullptr && !c.at->slot_of(c).is(c.number, wire::slot_state::offered);
}

bool process_core::ask_to_stop(remote_call& c) noexcept {
    if (is_forked_copy())
        return false;
    const scoped_lock lock(mutex_);
    if (!c.stops || c.at == nullptr || !c.at->slot_of(c).is(c.number, wire::slot_state::claimed) ||
        !c.at->ask_to_stop(c.number))
        return false;
    c.asked_to_stop = true;
    return true;
}

bool process_core::cancel_running(remote_call& c) noexcept {
    if (is_forked_copy())
        return false;
    pending_outcome v;
    {
        const scoped_lock lock(mutex_);
        if (c.at == nullptr)
            return true; // its outcome is on its way
        worker_channel& w = *c.at;
        if (c.stops) {
            c.asked_to_stop = true;
            static_cast<void>(w.ask_to_stop(c.number)); // else it is ended when that is over
            workers_.arm_grace(w.stop_grace[c.slot]);
        } else if (workers_.terminate_for(w, c.slot)) {
            figures_.cancelled(c);
            v.task = w.held[c.slot];
        }
    }
    if (v.task)
        publish_outcome(std::move(v));
    return true;
}

void process_core::publish_outcome(pending_outcome v) noexcept {
    if (v.error != nullptr)
        v.task->fail(std::move(v.error));
    else
        v.task->finish_cancelled();
    jobs_.let_go_of(std::move(v.task));
}

} // namespace ferry::detail
