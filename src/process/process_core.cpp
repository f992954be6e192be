// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include "process_core.hpp"

#include "fingerprint.hpp"
#include "signals_blocked.hpp"

#include <ferry/detail/assert.hpp>

#include <algorithm>
#include <random>

namespace ferry::detail {
namespace {

std::uint64_t secret() {
    std::random_device random;
    return std::uint64_t(random()) << 32 | random();
}

} // namespace

// ---- Submitting ---------------------------------------------------------------------------------

process_core::process_core(process_pool_options options)
    : pool_(std::move(options)), seed_(secret()), reader_(pool_) {}

process_core::~process_core() = default;

void process_core::abandon_after_fork() {
    static_cast<void>(new std::shared_ptr<process_core>(shared_from_this()));
}

void process_core::read(all_figures& to) {
    if (!is_forked_copy())
        process_report(pool_).read(to);
}

void process_core::check_open() {
    home_.check();
    const scoped_lock lock(pool_.mutex);
    pool_.phase.check_open();
}

void process_core::pardon_all() {
    home_.check();
    const scoped_lock lock(pool_.mutex);
    pool_.quarantine.pardon_all();
}

void process_core::fingerprint_call(remote_call& c) const noexcept {
    if (pool_.options.quarantine_after != 0 && !c.is_chunk)
        c.fingerprint = fingerprint(c.entry, c.arguments.bytes(), seed_);
}

void process_core::note_submission(remote_call& c) noexcept {
    c.priority = c.state().priority;
    c.known_to = owner_of(c.arguments);
    c.submitted_ns = wire::now_ns();
    pool_.figures.submitted(c);
}

void process_core::submit_all(std::span<const remote_call_ptr> calls) {
    std::vector<std::exception_ptr> refused(calls.size());
    if (pool_.bounded) {
        check_open();
        for (std::size_t i = 0; i < calls.size(); ++i) {
            try {
                submit(calls[i], entrance::thread);
            } catch (const std::exception&) {
                refused[i] = std::current_exception();
            }
        }
    } else {
        home_.check();
        for (const remote_call_ptr& c : calls)
            fingerprint_call(*c);
        bool start = false;
        {
            scoped_lock lock(pool_.mutex);
            pool_.phase.check_open();
            start_threads();
            for (std::size_t i = 0; i < calls.size(); ++i) {
                try {
                    pool_.quarantine.check(*calls[i]);
                } catch (const std::exception&) {
                    refused[i] = std::current_exception();
                    continue;
                }
                note_submission(*calls[i]);
                pool_.dispatching.queue().push(
                    *remote_call_ptr(calls[i]).detach()); // a reference of the queue
            }
            pool_.dispatch(lock);
            start = pool_.wants_worker();
        }
        if (start)
            pool_.wake.set();
    }
    for (std::size_t i = 0; i < calls.size(); ++i) {
        if (refused[i] != nullptr)
            calls[i]->fail(std::move(refused[i]));
    }
}

void process_core::submit(remote_call_ptr c, entrance e) {
    home_.check();
    shared_state_base& state = c->state();
    fingerprint_call(*c);
    if (pool_.bounded) {
        shared_state_base::catch_up(); // callbacks that were put off may make room
        if (e != entrance::map && !is_callback_thread() &&
            !limit_wait(pool_.options.max_wait, state))
            return;
        state.owner = this;
    }
    const bool expires = state.extra != nullptr && state.extra->start_by.has_value();
    if (expires)
        arm_timer(state, *state.extra->start_by, timer_purpose::start_by);
    bool start = false;
    try {
        scoped_lock lock(pool_.mutex);
        pool_.phase.check_open();
        pool_.quarantine.check(*c);
        start_threads();
        if (state.extra != nullptr && state.extra->progress != nullptr)
            pool_.jobs.start_reports(shared_from_this());
        note_submission(*c);
        entered in = entered::yes;
        if (!pool_.bounded)
            pool_.dispatching.queue().push(*c);
        else
            in = pool_.line.enter_or_stand(*c, e, is_callback_thread(), lock);
        if (in == entered::closed)
            pool_.phase.check_open();
        if (in != entered::expired)
            static_cast<void>(c.detach()); // a reference of the queue, or of the line
        pool_.dispatch(lock);
        start = pool_.wants_worker();
    } catch (...) {
        if (expires)
            static_cast<void>(disarm_timer(state));
        throw;
    }
    if (start)
        pool_.wake.set();
    if (pool_.bounded)
        pool_.drop_given_up();
}

// All threads are started before the first task is accepted, so that its submission fails if they
// cannot be started.
void process_core::start_threads() {
    if (reader_.has_started())
        return;
    const signals_blocked quiet;
    const auto self = shared_from_this();
    pool_.jobs.start(self);
    reader_.start(self);
}

void process_core::on_claimed_in_line(shared_state_base& task) noexcept {
    if (is_forked_copy())
        return;
    {
        scoped_lock lock(pool_.mutex);
        pool_.line.claimed(task);
        pool_.dispatch(lock);
    }
    pool_.drop_given_up();
}

// ---- What a task asks for -----------------------------------------------------------------------

void process_core::dropped(remote_call& c, bool failed) noexcept {
    if (is_forked_copy())
        return;
    payload unneeded;      // freed without the lock
    remote_call_ptr entry; // likewise
    bool last = false;
    {
        const scoped_lock lock(pool_.mutex);
        FERRY_ASSERT(!dispatch_queue::contains(c) || c.at == nullptr);
        if (dispatch_queue::contains(c)) {
            pool_.dispatching.queue().remove(c);
            entry = remote_call_ptr(&c, false);
        }
        pool_.line.uncount(c);
        if (c.at == nullptr)
            unneeded = std::move(c.arguments);
        if (unneeded.size() > large_payload)
            pool_.timers.ensure(deadline::purpose::trim, reader_timers::check_interval);
        if (c.submitted_ns == 0) { // it was refused before its submission was counted
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
        return false;      // the workers belong to the parent process
    remote_call_ptr share; // freed without the lock
    bool start = false;
    {
        scoped_lock lock(pool_.mutex);
        if (c.at == nullptr)
            return true; // no worker holds it any more
        FERRY_ASSERT(!dispatch_queue::contains(c));
        share = pool_.revoke(c);
        if (share == nullptr)
            return false;
        c.state().unoffer();
        // If the worker holds no other task, no answer of it will cause the next hand-out.
        pool_.dispatch(lock);
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
    return c.at != nullptr && !c.at->slots->is(c, wire::slot_state::offered);
}

bool process_core::ask_to_stop(remote_call& c) noexcept {
    if (is_forked_copy())
        return false;
    const scoped_lock lock(pool_.mutex);
    if (!c.stops || c.at == nullptr || !c.at->slots->is(c, wire::slot_state::claimed) ||
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
            // If the request cannot be sent, the worker is ended after the grace all the same.
            static_cast<void>(w.ask_to_stop(c.number));
            pool_.workers.arm_grace(w.deadlines.stop_grace[c.slot]);
        } else if (pool_.workers.terminate_for(w, c.slot)) {
            pool_.figures.cancelled(c);
            v = &c;
        }
    }
    if (v)
        pool_.publish(std::move(v), nullptr);
    return true;
}

} // namespace ferry::detail
