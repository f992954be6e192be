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
        const scoped_lock lock(pool_.mutex);
        FERRY_ASSERT(!dispatcher::is_queued(c) || c.at == nullptr);
        if (dispatcher::is_queued(c)) {
            pool_.queue.remove(c);
            entry = remote_call_ptr(&c, false);
        }
        pool_.line.uncount(c);
        if (c.at == nullptr)
            unneeded = std::move(c.arguments);
        if (unneeded.size() > large_payload)
            pool_.timers.ensure(deadline::purpose::trim, reader_timers::check_interval);
        if (c.submitted_ns == 0) { // it was refused before it was counted
        } else if (failed) {
            pool_.figures.failed(c);
        } else {
            pool_.figures.cancelled(c);
        }
        last = pool_.phase.is_closed() && !pool_.has_unfinished();
        if (pool_.phase.is_closed())
            pool_.changed.notify_all();
        if (pool_.bounded)
            pool_.line.advance();
    }
    if (pool_.bounded)
        pool_.drop_given_up();
    if (last)
        pool_.wake.set();
}

bool process_core::revoke(remote_call& c) noexcept {
    if (is_forked_copy())
        return false;      // the workers are the parent's
    remote_call_ptr share; // freed without the lock
    bool start = false;
    {
        scoped_lock lock(pool_.mutex);
        if (c.at == nullptr)
            return true; // it is not out any more
        FERRY_ASSERT(!dispatcher::is_queued(c));
        share = pool_.revoke(c);
        if (share == nullptr)
            return false;
        c.state().unoffer();
        pool_.dispatch(
            lock); // the worker may hold nothing else, whose answer would tell of its room
        start = pool_.wants_worker();
    }
    if (start)
        pool_.wake.set();
    if (pool_.bounded)
        pool_.drop_given_up();
    return true;
}

bool process_core::started(const remote_call& c) const noexcept {
    if (is_forked_copy())
        return false;
    const scoped_lock lock(pool_.mutex);
    return c.at != nullptr && !c.at->slot_of(c).is(c.number, wire::slot_state::offered);
}

bool process_core::ask_to_stop(remote_call& c) noexcept {
    if (is_forked_copy())
        return false;
    const scoped_lock lock(pool_.mutex);
    if (!c.stops || c.at == nullptr || !c.at->slot_of(c).is(c.number, wire::slot_state::claimed) ||
        !c.at->ask_to_stop(c.number))
        return false;
    c.asked_to_stop = true;
    return true;
}

bool process_core::cancel_running(remote_call& c) noexcept {
    if (is_forked_copy())
        return false;
    remote_call_ptr v;
    {
        const scoped_lock lock(pool_.mutex);
        if (c.at == nullptr)
            return true; // its outcome is on its way
        worker_channel& w = *c.at;
        if (c.stops) {
            c.asked_to_stop = true;
            static_cast<void>(w.ask_to_stop(c.number)); // else it is ended when that is over
            pool_.workers.arm_grace(w.stop_grace[c.slot]);
        } else if (pool_.workers.terminate_for(w, c.slot)) {
            pool_.figures.cancelled(c);
            v = w.held[c.slot];
        }
    }
    if (v)
        pool_.publish(std::move(v), nullptr);
    return true;
}

} // namespace ferry::detail
