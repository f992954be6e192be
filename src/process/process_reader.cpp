// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include "process_reader.hpp"

#include <ferry/detail/assert.hpp>

#include <algorithm>
#include <utility>

#include <pthread.h>

namespace ferry::detail {

process_reader::process_reader(process_state& pool) : pool_(pool) {
    events_.watch(pool_.wake.file(), 0, source::wake);
}

void process_reader::start(std::shared_ptr<void> keep) {
    pool_.mutex.assert_held();
    FERRY_ASSERT(stage_ == stage::none);
    thread_ = std::thread([this, kept = std::move(keep)] { run(); });
    stage_ = stage::runs;
}

void process_reader::stay_away() noexcept {
    pool_.mutex.assert_held();
    if (stage_ == stage::none)
        stage_ = stage::ended;
}

void process_reader::wait_until_ended(scoped_lock& lock) noexcept {
    pool_.mutex.assert_held();
    FERRY_ASSERT(!pool_.reader.is_here());
    while (stage_ != stage::ended)
        pool_.changed.wait(lock);
}

void process_reader::join() {
    std::thread mine;
    {
        scoped_lock lock(pool_.mutex);
        wait_until_ended(lock);
        mine.swap(thread_);
    }
    if (mine.joinable())
        mine.join();
}

void process_reader::run() noexcept {
    pthread_setname_np(pthread_self(), "ferry-reader");
    pool_.reader.set();
    int wait_ms = 0;
    for (;;) {
        for (const auto e : events_.wait(wait_ms))
            handle(e);
        wait_ms = run_timers();
        withdrawal_.refuse_quarantined();
        if (lives_.start())
            wait_ms = 0;
        if (pool_.bounded)
            pool_.drop_given_up(); // tasks that left the line while the steps above held the mutex
        if (finish_if_closed())
            break;
    }
    const scoped_lock lock(pool_.mutex);
    FERRY_ASSERT(pool_.workers.empty() && !pool_.has_unfinished());
    pool_.reader.clear();
    stage_ = stage::ended;
    pool_.changed.notify_all();
}

void process_reader::handle(reader_events::event e) noexcept {
    FERRY_ASSERT(pool_.reader.is_here());
    if (e.what == source::wake) {
        pool_.wake.clear();
        return;
    }
    worker_channel* w = nullptr;
    {
        const scoped_lock lock(pool_.mutex);
        w = pool_.workers.find(e.worker);
    }
    if (w == nullptr)
        return; // an earlier event has destroyed it
    if (e.what == source::answer)
        answers_.read(*w);
    else if (e.what == source::exit)
        lives_.on_exit(*w);
    else
        lives_.on_stderr(*w);
}

bool process_reader::finish_if_closed() {
    FERRY_ASSERT(pool_.reader.is_here()); // since only the reader destroys workers
    const scoped_lock lock(pool_.mutex);
    if (!pool_.phase.is_closed() || pool_.has_unfinished())
        return false;
    for (const auto& [id, w] : pool_.workers.all())
        pool_.workers.perform(*w, w->life.leave());
    return pool_.workers.empty();
}

// ---- Time ---------------------------------------------------------------------------------------

// Acts on the deadlines that are due. Returns the milliseconds until the next one, or -1 if there
// is none.
int process_reader::run_timers() noexcept {
    FERRY_ASSERT(pool_.reader.is_here());
    for (;;) {
        deadline* d = nullptr; // in the pool, or in a worker, which only this thread destroys
        {
            const scoped_lock lock(pool_.mutex);
            const auto now = clock::now();
            d = pool_.timers.take_due(now);
            if (d == nullptr)
                return pool_.timers.until_first(now);
        }
        on_deadline(*d);
    }
}

void process_reader::on_deadline(deadline& d) noexcept {
    FERRY_ASSERT(pool_.reader.is_here() && !deadline_list::contains(d));
    worker_channel* w = nullptr;
    pending_outcome v;
    bool decided = false;
    {
        scoped_lock lock(pool_.mutex);
        w = pool_.workers.find(d.worker);
        FERRY_ASSERT((w != nullptr) == (d.worker != 0)); // they are removed with their worker
        switch (d.what) {
        case deadline::purpose::grace: pool_.workers.perform(*w, w->life.grace_over()); break;
        case deadline::purpose::run_time: decided = on_run_time(*w, d, v); break;
        case deadline::purpose::stop_grace:
            decided = pool_.workers.terminate_for(*w, d.slot);
            if (decided) {
                v.task = (*w->slots)[d.slot];
                pool_.figures.cancelled(*v.task);
            }
            break;
        case deadline::purpose::idle:
            if (const auto again = w->idle.next_check(clock::now(), w->load() == 0))
                pool_.timers.arm(d, *again);
            else
                pool_.workers.perform(*w, w->life.leave());
            break;
        case deadline::purpose::dispatch: pool_.dispatch(lock); break;
        default: break;
        }
    }
    if (decided)
        pool_.publish(std::move(v.task), std::move(v.error));
    switch (d.what) {
    case deadline::purpose::standard_error:
        try {
            events_.watch(w->standard_error.file(), w->id, source::standard_error);
        } catch (const std::exception&) {
            const scoped_lock lock(pool_.mutex);
            pool_.timers.arm(d, clock::now() + reader_timers::moment);
        }
        break;
    case deadline::purpose::answers: answers_.read(*w); break;
    case deadline::purpose::exit: lives_.reap(*w); break;
    case deadline::purpose::check: check_workers(); break;
    case deadline::purpose::trim: trim(); break;
    case deadline::purpose::limits: limits_.sample_all(); break;
    default: break;
    }
}

// Only the first of its tasks is looked at, since those behind it wait for that one. A worker may
// have started the task and deny it: if the patience had no end, the task would have no timeout.
bool process_reader::never_starts(worker_channel& w, const remote_call& c,
                                  clock::duration limit) const noexcept {
    return &w.items.front() == &c &&
           w.stuck.lasts(c.number, wire::slot_state::offered, wire::now_ns(), limit);
}

bool process_reader::starts_nothing(worker_channel& w) const noexcept {
    if (w.items.empty() || w.life.now() != worker_lifecycle::stage::serving)
        return false;
    const auto& first = static_cast<const remote_call&>(w.items.front());
    return w.slots->is(first, wire::slot_state::offered) && never_starts(w, first, {});
}

// A task that is done can be neither cancelled nor ended at its timeout, because its outcome is on
// its way. The worker writes it at once, and all that it has written is read between two checks,
// unless this process has no room for the mapping of an answer.
bool process_reader::never_answers(worker_channel& w) const noexcept {
    if (w.items.empty() || w.end.how || w.answers->is_waiting())
        return false;
    const auto& first = static_cast<const remote_call&>(w.items.front());
    return w.slots->is(first, wire::slot_state::done) &&
           w.stuck.lasts(first.number, wire::slot_state::done, wire::now_ns());
}

// Returns true if the task is to end.
bool process_reader::on_run_time(worker_channel& w, deadline& d, pending_outcome& v) noexcept {
    FERRY_ASSERT((*w.slots)[d.slot] != nullptr); // the deadline is removed with the task
    const remote_call_ptr c = (*w.slots)[d.slot];
    const auto limit = c->state().extra->limit.limit().value_or(clock::duration::max());
    const auto now = clock::now();
    if (w.slots->is(*c, wire::slot_state::offered)) {
        if (never_starts(w, *c, limit)) {
            w.end.denied = c->number;
            pool_.workers.violated(w, "it does not start the task that it was given");
        }
        pool_.timers.arm(d, now + std::max<clock::duration>(limit, std::chrono::milliseconds(1)));
        return false;
    }
    const clock::time_point started{std::chrono::nanoseconds(
        w.started_ns(std::chrono::nanoseconds(now.time_since_epoch()).count()))};
    if (now - started < limit && !w.deadlines.measured[d.slot]) {
        w.deadlines.measured[d.slot] = true; // the worker is believed once about its start
        pool_.timers.arm(d, started + limit);
        return false;
    }
    if (!pool_.workers.terminate_for(w, d.slot))
        return false;
    pool_.figures.failed(*c);
    pool_.quarantine.blame(*c, death_cause::run_time);
    v.task = c;
    v.error = error_or_shortage([&] {
        return make_error<timeout_error>("the task '" + c->call_label() +
                                         "' ran longer than its timeout, and its worker process " +
                                         std::to_string(w.process->pid()) + " is ended");
    });
    return true;
}

// Checks the workers that hold tasks without having been woken by them, because a task may have
// destroyed the means to wake the reader.
void process_reader::check_workers() noexcept {
    FERRY_ASSERT(pool_.reader.is_here());
    bool again = false;
    for (auto* w = pool_.worker_after(0); w != nullptr; w = pool_.worker_after(w->id))
        again |= check(*w);
    if (!again)
        return;
    const scoped_lock lock(pool_.mutex);
    pool_.timers.ensure(deadline::purpose::check, reader_timers::check_interval);
}

// Returns true if the worker is to be checked again.
bool process_reader::check(worker_channel& w) noexcept {
    {
        const scoped_lock lock(pool_.mutex);
        if (w.life.now() == worker_lifecycle::stage::leaving)
            w.request_exit();
        else if (w.life.held() == 0)
            return false;
        if (!w.is_sound())
            pool_.workers.violated(w, "it wrote to what is not its own");
        else if (starts_nothing(w)) {
            // Another worker starts the task. If that one leaves it, too, the task is to blame: it
            // may have been started, and denied.
            auto& first = static_cast<remote_call&>(w.items.front());
            if (std::exchange(first.left_unstarted, true))
                w.end.denied = first.number;
            pool_.workers.violated(w, "it does not start the task that it was given");
        } else if (never_answers(w)) {
            pool_.workers.violated(w, "it does not answer the task that it has done");
        }
    }
    w.process->observe();
    if (!w.end.how && !w.answers->is_waiting()) {
        answers_.read(w);
        w.answers->release();
    }
    return true;
}

// Returns memory to the system that was needed for larger values than those that came since.
void process_reader::trim() noexcept {
    FERRY_ASSERT(pool_.reader.is_here());
    segment_store::let_go gone;
    while (pool_.store.trim(wire::now_ns(), gone)) {
        const scoped_lock lock(pool_.mutex);
        if (worker_channel* const w = pool_.workers.find(gone.owner))
            w->forget_segment(gone.id);
    }
    if (!pool_.store.has_large())
        return;
    const scoped_lock lock(pool_.mutex);
    pool_.timers.arm(deadline::purpose::trim, clock::now() + reader_timers::until_trimmed);
}

} // namespace ferry::detail
