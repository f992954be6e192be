// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include "worker_lives.hpp"

#include "crash_report.hpp"
#include "left_stream.hpp"

#include <ferry/detail/assert.hpp>

#include <algorithm>
#include <limits>
#include <utility>

namespace ferry::detail {
namespace {

// How often the last words of a worker that has ended are tried to be received, ten milliseconds
// apart.
constexpr unsigned most_tries = 1000;

std::string text_of(const worker_died::ending& how) {
    if (how.signal)
        return "it was terminated by signal " + std::to_string(*how.signal);
    return how.exit_code ? "it exited with code " + std::to_string(*how.exit_code) : "it ended";
}

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
            events_.watch(w->standard_error.get(), id, source::standard_error);
            const scoped_lock lock(pool_.mutex);
            w->record = pool_.figures.add_worker(id, w->process->pid());
            pool_.queue.add(pool_.workers.add(std::move(w)));
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
        if (const auto again = starts_.failed(clock::now(), r, pool_.queue.any_serves())) {
            pool_.timers.arm(deadline::purpose::start, *again);
            return;
        }
        try {
            text = "the process pool is broken: " + std::to_string(starts_.failures()) +
                   " workers in a row could not be started; of the last one: " + why;
        } catch (const std::bad_alloc&) { // without its reason
        }
        pool_.phase.break_for(text);
    }
    fail_all(text);
}

// Fails everything; what is new is refused already.
void worker_lives::fail_all(const std::string& why) noexcept {
    FERRY_ASSERT(pool_.reader.is_here());
    const auto error = error_or_shortage([&why] { return make_error<broken_process_pool>(why); });
    pool_.turn_away(error);
    for (;;) {
        remote_call_ptr task; // freed without the lock
        {
            const scoped_lock lock(pool_.mutex);
            FERRY_ASSERT(pool_.phase.is_broken());
            task = pool_.take_first();
            for (const auto& [id, w] : pool_.workers.all()) {
                for (const auto& c : w->held) {
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
    const auto s = w.read_stderr(false);
    if (s == worker_channel::stream::open)
        return;
    events_.forget(w.standard_error.get());
    if (s == worker_channel::stream::blocked) { // looks again in a moment
        const scoped_lock lock(pool_.mutex);
        pool_.timers.arm(w.again, clock::now() + std::chrono::milliseconds(20));
    }
}

void worker_lives::on_exit(worker_channel& w) noexcept {
    FERRY_ASSERT(pool_.reader.is_here() && !w.how_ended);
    w.how_ended = w.process->reap();
    if (!w.how_ended)
        return;
    events_.forget(w.process->handle());
    {
        const scoped_lock lock(pool_.mutex);
        w.was_starting = w.life.now() == worker_lifecycle::stage::starting;
        w.life.ended();
    }
    reap(w);
}

void worker_lives::reap(worker_channel& w) noexcept {
    FERRY_ASSERT(pool_.reader.is_here() && w.how_ended);
    answers_.read(w); // what it said before it died still counts
    if (w.waiting && w.violation == nullptr && ++w.tries < most_tries) {
        const scoped_lock lock(pool_.mutex);
        w.blocked.what = deadline::purpose::exit;
        pool_.timers.arm(w.blocked, clock::now() + reader_timers::moment);
        return;
    }
    const bool is_left = w.read_stderr(true) == worker_channel::stream::open;
    for (const int file : {w.answered.get(), w.standard_error.get()})
        events_.forget(file);
    if (is_left)
        keep_reading(std::move(w.standard_error));
    std::string start_reason;
    try {
        if (w.violation != nullptr)
            w.stderr_tail += std::string("[the pool ended the worker: ") + w.violation + "]";
        if (w.was_starting)
            start_reason =
                (w.why_not_ready.empty() ? text_of(*w.how_ended) + " before it was ready"
                                         : w.why_not_ready) +
                (w.stderr_tail.empty() ? "" : "; the end of its standard error: " + w.stderr_tail);
    } catch (const std::bad_alloc&) { // without a reason
    }

    remote_call_ptr victim;               // freed without the lock
    std::unique_ptr<worker_channel> gone; // likewise
    unsigned attempt = 0;
    const bool not_started = w.was_starting;
    const auto reason =
        w.why_not_ready.empty() ? start_policy::reason::unknown : start_policy::reason::initializer;
    {
        scoped_lock lock(pool_.mutex);
        // A worker runs what it was given in turn, so it has begun one at most, whatever it wrote
        // into the slots of the others; where one was condemned, it was that.
        std::uint64_t begun = std::numeric_limits<std::uint64_t>::max();
        for (std::uint16_t slot = 0; slot < wire::slot_count; ++slot) {
            const remote_call* const c = w.held[slot].get();
            if (c != nullptr && (c->number == w.denied ||
                                 !w.memory->slots[slot].is(c->number, wire::slot_state::offered)))
                begun = std::min(begun, c->number);
        }
        if (w.condemned_slots != 0)
            begun = 0;
        for (std::uint16_t slot = 0; slot < wire::slot_count; ++slot) {
            if (!w.held[slot])
                continue;
            const bool condemned = w.is_condemned(slot); // it has its outcome
            remote_call_ptr c;
            static_cast<void>(pool_.release(*w.held[slot], c));
            const bool breached = w.breach && c->number == w.breached;
            if (breached || (!condemned && c->number == begun))
                victim = std::move(c);
            else if (!condemned)
                pool_.requeue(std::move(c));
        }
        if (victim != nullptr) {
            const auto why = w.dismissed             ? death_cause::dismissed
                             : breach_of(w, *victim) ? death_cause::resource_limit
                                                     : death_cause::crash;
            attempt = ++victim->lost_starts;
            const death_facts facts{.starts = attempt,
                                    .attempts = victim->attempts,
                                    .quarantined = pool_.quarantine.blame(*victim, why),
                                    .asked_to_stop = victim->asked_to_stop,
                                    .accepts_starts = pool_.phase.starts_tasks()};
            if (starts_again(why, facts))
                pool_.requeue(std::exchange(victim, nullptr));
            else
                pool_.figures.failed(*victim);
        }
        pool_.figures.remove_worker(w.record);
        pool_.queue.remove(w);
        gone = pool_.workers.remove(w);
        pool_.dispatch(lock);
        pool_.changed.notify_all();
    }
    if (victim != nullptr) {
        remote_call& c = *victim;
        c.arguments = {};
        auto error = error_or_shortage([&] { return error_of_death(w, c, attempt); });
        pool_.publish(std::move(victim), std::move(error));
    }
    const std::uint32_t id = gone->id;
    gone.reset();
    while (pool_.store.forget(id)) {
    }
    if (not_started)
        start_failed(start_reason.c_str(), reason);
}

// The limit for which the worker has ended, if it was that.
std::optional<limit_breach> worker_lives::breach_of(const worker_channel& w,
                                                    const remote_call& c) const noexcept {
    using limit = limit_breach::limit;
    const worker_limits& limits = pool_.options.limits;
    const std::uint64_t refused = w.memory->memory_refused.load();
    if (w.how_ended->exit_code == wire::exit_no_memory && refused != 0 && limits.memory != 0)
        return limit_breach{limit::memory, limits.memory, refused, true};
    if (w.how_ended->signal == SIGXFSZ && limits.file_size != 0)
        return limit_breach{limit::file_size, limits.file_size, limits.file_size, false};
    return w.breach && w.breached == c.number ? w.breach : std::nullopt;
}

std::exception_ptr worker_lives::error_of_death(worker_channel& w, remote_call& c,
                                                unsigned attempt) const {
    const int pid = w.process->pid();
    const std::string label = c.call_label();
    if (const auto breach = breach_of(w, c))
        return make_error<resource_limit_error>(pid, *w.how_ended, label, w.stderr_tail,
                                                text_of(*breach, label, pid), w.process->usage(),
                                                attempt);
    std::vector<stack_frame> frames;
    if (w.how_ended->signal)
        frames = frames_of(w.memory->crash, *w.how_ended->signal, c.number,
                           pool_.factory.program().file());
    return make_error<worker_died>(pid, *w.how_ended, label, w.stderr_tail, w.process->usage(),
                                   attempt, std::move(frames));
}

} // namespace ferry::detail
