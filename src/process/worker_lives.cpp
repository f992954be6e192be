// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include "worker_lives.hpp"

#include "left_stream.hpp"

#include <ferry/detail/assert.hpp>

#include <utility>

namespace ferry::detail {
namespace {

// After so many attempts, ten milliseconds apart, the last answers of a worker that has ended are
// given up.
constexpr unsigned most_tries = 1000;

} // namespace

// ---- Starting -----------------------------------------------------------------------------------

bool worker_lives::start() noexcept {
    FERRY_ASSERT(pool_.reader.is_here());
    for (;;) {
        std::uint32_t id = 0;
        {
            const scoped_lock lock(pool_.mutex);
            if (!pool_.wants_worker())
                return false;
            id = pool_.workers.next_id();
        }
        try {
            auto w = pool_.factory.make(id, pool_.store);
            events_.watch(w->answered.get(), id, source::answer);
            events_.watch(w->process->handle(), id, source::exit);
            events_.watch(w->standard_error.file(), id, source::standard_error);
            const scoped_lock lock(pool_.mutex);
            worker_channel& added = pool_.workers.add(std::move(w));
            added.record = pool_.figures.add_worker(id, added.process->pid());
            pool_.dispatching.workers().add(added);
        } catch (const std::exception& e) {
            start_failed(e.what(), start_policy::reason::unknown);
            return true;
        }
    }
}

void worker_lives::start_failed(const char* why, start_policy::reason r) noexcept {
    FERRY_ASSERT(pool_.reader.is_here());
    std::string text;
    {
        const scoped_lock lock(pool_.mutex);
        if (pool_.phase.is_broken())
            return;
        if (const auto again =
                starts_.failed(clock::now(), r, pool_.dispatching.workers().any_serves())) {
            pool_.timers.arm(deadline::purpose::start, *again);
            return;
        }
        try {
            text = "the process pool is broken: " + std::to_string(starts_.failures()) +
                   " workers in a row could not be started; of the last one: " + why;
        } catch (const std::bad_alloc&) { // the pool is broken all the same, without a reason
        }
        pool_.phase.break_for(text);
    }
    fail_all(text);
}

// Fails all tasks. New ones are refused already.
void worker_lives::fail_all(const std::string& why) noexcept {
    FERRY_ASSERT(pool_.reader.is_here());
    const auto error = error_or_shortage([&why] { return make_error<broken_process_pool>(why); });
    pool_.turn_away(error);
    for (;;) {
        remote_call_ptr task; // released without the lock
        {
            const scoped_lock lock(pool_.mutex);
            FERRY_ASSERT(pool_.phase.is_broken());
            task = pool_.take_first();
            for (const auto& [id, w] : pool_.workers.all()) {
                for (const auto& c : *w->slots) {
                    if (task == nullptr && c != nullptr)
                        static_cast<void>(pool_.release(*c, task));
                }
                pool_.workers.kill(*w);
            }
            if (task == nullptr)
                return;
            pool_.figures.failed(*task);
        }
        task->arguments = {};
        pool_.publish(std::move(task), error);
    }
}

// ---- Standard error and death -------------------------------------------------------------------

void worker_lives::on_stderr(worker_channel& w) noexcept {
    FERRY_ASSERT(pool_.reader.is_here());
    const auto s = w.standard_error.read(false);
    if (s == worker_stderr::state::open)
        return;
    events_.forget(w.standard_error.file());
    if (s == worker_stderr::state::blocked) { // reads it later
        const scoped_lock lock(pool_.mutex);
        pool_.timers.arm(w.deadlines.standard_error, clock::now() + std::chrono::milliseconds(20));
    }
}

void worker_lives::on_exit(worker_channel& w) noexcept {
    FERRY_ASSERT(pool_.reader.is_here() && !w.end.how);
    w.end.how = w.process->reap();
    if (!w.end.how)
        return;
    events_.forget(w.process->handle());
    {
        const scoped_lock lock(pool_.mutex);
        w.end.was_starting = w.life.now() == worker_lifecycle::stage::starting;
        w.life.ended();
    }
    reap(w);
}

void worker_lives::reap(worker_channel& w) noexcept {
    FERRY_ASSERT(pool_.reader.is_here() && w.end.how);
    if (!read_last_words(w))
        return;
    const worker_death death(w, pool_.options.limits, pool_.factory.program());
    std::string why_not_ready;
    if (w.end.was_starting) {
        try {
            why_not_ready = death.why_not_ready();
        } catch (const std::bad_alloc&) { // the failed start is counted without a reason
        }
    }
    const std::uint32_t id = w.id;
    const bool not_started = w.end.was_starting;
    const auto reason = w.end.why_not_ready.empty() ? start_policy::reason::unknown
                                                    : start_policy::reason::initializer;
    {
        std::unique_ptr<worker_channel> gone; // destroyed without the lock
        remote_call_ptr victim;               // likewise
        unsigned attempt = 0;
        {
            scoped_lock lock(pool_.mutex);
            victim = take_victim(w, death);
            if (victim != nullptr) {
                attempt = ++victim->lost_starts;
                if (starts_again(*victim, death.cause(*victim), attempt))
                    pool_.requeue(std::exchange(victim, nullptr));
                else
                    pool_.figures.failed(*victim);
            }
            pool_.figures.remove_worker(w.record);
            pool_.dispatching.workers().remove(w);
            gone = pool_.workers.remove(w);
            pool_.dispatch(lock);
            pool_.changed.notify_all();
        }
        if (victim != nullptr) {
            remote_call& c = *victim;
            c.arguments = {};
            auto error = error_or_shortage([&] { return death.error(c, attempt); });
            pool_.publish(std::move(victim), std::move(error));
        }
    }
    while (pool_.store.forget(id)) {
    }
    if (not_started)
        start_failed(why_not_ready.c_str(), reason);
}

// Answers that the worker gave before it died still count. Returns false if some of them cannot be
// received now.
bool worker_lives::read_last_words(worker_channel& w) noexcept {
    answers_.read(w);
    if (w.answers->is_waiting() && w.end.violation == nullptr && ++w.end.tries < most_tries) {
        const scoped_lock lock(pool_.mutex);
        w.deadlines.answers.what = deadline::purpose::exit;
        pool_.timers.arm(w.deadlines.answers, clock::now() + reader_timers::moment);
        return false;
    }
    const bool is_left = w.standard_error.read(true) == worker_stderr::state::open;
    for (const int file : {w.answered.get(), w.standard_error.file()})
        events_.forget(file);
    if (is_left)
        keep_reading(w.standard_error.take_file());
    try {
        if (w.end.violation != nullptr)
            w.standard_error.append_note(std::string("[the pool ended the worker: ") +
                                         w.end.violation + "]");
    } catch (const std::bad_alloc&) { // the error lacks that note
    }
    return true;
}

// Takes all tasks from a worker that has ended. Returns the one of which it died, if any; the
// others go back to the queue unless they have an outcome.
remote_call_ptr worker_lives::take_victim(worker_channel& w, const worker_death& death) noexcept {
    const auto begun = death.begun();
    remote_call_ptr victim;
    for (std::uint16_t slot = 0; slot < wire::slot_count; ++slot) {
        if (!(*w.slots)[slot])
            continue;
        const bool condemned = w.slots->is_condemned(slot); // the task has an outcome already
        remote_call_ptr c;
        static_cast<void>(pool_.release(*(*w.slots)[slot], c));
        const bool breached = w.end.breach && c->number == w.end.breached;
        if (breached || (!condemned && c->number == begun))
            victim = std::move(c);
        else if (!condemned)
            pool_.requeue(std::move(c));
    }
    return victim;
}

bool worker_lives::starts_again(const remote_call& c, death_cause why, unsigned starts) noexcept {
    const death_facts facts{.starts = starts,
                            .attempts = c.attempts,
                            .quarantined = pool_.quarantine.blame(c, why),
                            .asked_to_stop = c.asked_to_stop,
                            .accepts_starts = pool_.phase.starts_tasks()};
    return detail::starts_again(why, facts);
}

} // namespace ferry::detail
