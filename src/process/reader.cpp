// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
// The thread of a process pool that reads what its workers say, and that starts and reaps them.
#include "process_core.hpp"

#include "left_stream.hpp"

#include <algorithm>
#include <limits>
#include <pthread.h>
#include <sys/epoll.h>

namespace ferry::detail {
namespace {

/// What the reader waits for; the kind is in the lower bits of an event's number, the worker's id
/// above.
enum source : unsigned { source_wake, source_answer, source_exit, source_stderr };

// A pool is broken by that many failed starts in a row over that time, while no worker lives.
constexpr unsigned tolerated_starts = 3;
constexpr std::chrono::milliseconds tolerated_for(2000);
// The same where the initializer said what is wrong.
constexpr std::chrono::milliseconds tolerated_initializer_for(500);

// How often the last words of a worker that has ended are tried to be received, ten milliseconds apart.
constexpr unsigned most_tries = 1000;

// How long to wait after so many.
std::chrono::milliseconds delay_after(unsigned failures) {
    return std::chrono::milliseconds(std::min(10u << std::min(failures - 1, 7u), 1000u));
}

std::string text_of(const std::exception_ptr& error) {
    try {
        std::rethrow_exception(error);
    } catch (const std::exception& e) {
        return type_name_of(error) + ": " + e.what();
    } catch (...) {
        return "an exception not derived from std::exception";
    }
}

std::string text_of(const worker_died::ending& how) {
    if (how.signal)
        return "it was terminated by signal " + std::to_string(*how.signal);
    return how.exit_code ? "it exited with code " + std::to_string(*how.exit_code) : "it ended";
}

} // namespace

void process_core::watch(int file, std::uint32_t worker, unsigned what, std::uint32_t events) {
    epoll_event e{};
    e.events = events;
    e.data.u64 = std::uint64_t(worker) << 8 | what;
    if (::epoll_ctl(events_.get(), EPOLL_CTL_ADD, file, &e) != 0)
        throw std::system_error(errno, std::generic_category(), "epoll_ctl");
}

void process_core::run() noexcept {
    pthread_setname_np(pthread_self(), "ferry-reader");
    int wait_ms = 0;
    for (;;) {
        epoll_event events[64];
        const int n = ::epoll_wait(events_.get(), events, 64, wait_ms);
        for (int i = 0; i < n; ++i)
            handle(events[i].data.u64);
        wait_ms = run_timers();
        if (start_workers())
            wait_ms = 0;
        if (finish_if_closed())
            break;
    }
    const scoped_lock lock(mutex_);
    reader_ended_ = true;
    changed_.notify_all();
}

void process_core::handle(std::uint64_t event) noexcept {
    const auto what = static_cast<unsigned>(event & 0xff);
    if (what == source_wake) {
        std::uint64_t count = 0;
        static_cast<void>(::read(wake_.get(), &count, sizeof count) < 0);
        woken_.store(false);
        return;
    }
    worker_channel* w = nullptr;
    {
        const scoped_lock lock(mutex_);
        w = find(static_cast<std::uint32_t>(event >> 8));
    }
    if (w == nullptr)
        return; // it was reaped a moment ago
    if (what == source_answer)
        read_answers(*w);
    else if (what == source_exit)
        on_exit(*w);
    else
        on_stderr(*w);
}

bool process_core::finish_if_closed() {
    const scoped_lock lock(mutex_);
    if (!closed_ || has_unfinished())
        return false;
    for (const auto& [id, w] : workers_)
        act(*w, w->life.leave());
    return workers_.empty();
}

// ---- Starting -----------------------------------------------------------------------------------

// True where it has something to do again at once.
bool process_core::start_workers() noexcept {
    for (;;) {
        std::uint32_t id = 0;
        {
            const scoped_lock lock(mutex_);
            if (!wants_worker())
                return false;
            id = ++worker_ids_;
        }
        try {
            child_options how;
            how.depth = depth_;
            how.environment = options_.environment;
            how.working_directory = options_.working_directory;
            how.how_scheduled = how_scheduled_;
            auto w = std::make_unique<worker_channel>(id, how, options_.max_tasks_per_child,
                                                   static_cast<bool>(options_.initializer));
            if (options_.initializer)
                w->give_initializer(*options_.initializer.call_, store_);
            watch(w->answered.get(), id, source_answer, EPOLLIN | EPOLLET);
            watch(w->process->handle(), id, source_exit, EPOLLIN);
            watch(w->standard_error.get(), id, source_stderr, EPOLLIN);
            const scoped_lock lock(mutex_);
            workers_.emplace(id, std::move(w));
        } catch (const std::exception& e) {
            start_failed(e.what(), false);
            return true;
        }
    }
}

// A shortage may pass, and workers that live do the work meanwhile.
void process_core::start_failed(const char* why, bool by_initializer) noexcept {
    std::string text;
    {
        const scoped_lock lock(mutex_);
        if (broken_)
            return;
        const auto now = clock::now();
        if (failed_starts_++ == 0)
            first_failure_ = now;
        const bool lives = std::any_of(workers_.begin(), workers_.end(), [](const auto& w) {
            return w.second->life.now() == worker_lifecycle::stage::serving;
        });
        const auto most = by_initializer ? tolerated_initializer_for : tolerated_for;
        if (lives || failed_starts_ < tolerated_starts || now - first_failure_ < most) {
            arm(start_again_, now + delay_after(failed_starts_));
            return;
        }
        try {
            text = "the process pool is broken: " + std::to_string(failed_starts_) +
                   " workers in a row could not be started; of the last one: " + why;
            why_broken_ = text;
        } catch (const std::bad_alloc&) { // without its reason
        }
        broken_ = closed_ = true;
    }
    mark_broken(text);
}

// Fails everything; what is new is refused already.
void process_core::mark_broken(const std::string& why) noexcept {
    const auto error = error_or_shortage([&why] { return make_error<broken_process_pool>(why); });
    for (;;) {
        worker_channel::taken t; // freed without the lock
        {
            const scoped_lock lock(mutex_);
            if (!queue_.empty()) {
                t.node = queue_.extract(queue_.begin());
                t.task = std::move(t.node.mapped());
                t.task.call->queued = false;
            } else {
                for (const auto& [id, w] : workers_) {
                    for (std::uint16_t slot = 0; slot < wire::slot_count && !t.task; ++slot) {
                        if (w->held[slot]) {
                            t = w->let_go(slot);
                            static_cast<void>(w->life.answered());
                        }
                    }
                    act(*w, w->life.kill());
                }
            }
            if (!t.task)
                return;
            ++counts_.failed;
        }
        t.task.call->arguments = {};
        pass({std::move(t.task), error});
    }
}

void process_core::on_ready(worker_channel& w, const wire::frame& f) {
    byte_source body(f.body);
    w.initializer = {};
    try {
        if (f.header.kind == wire::frame_kind::not_ready) {
            w.why_not_ready = "its initializer threw " + text_of(get_exception(body));
            return;
        }
        if (body.get<std::uint64_t>() == program_identity()) {
            const scoped_lock lock(mutex_);
            act(w, w.life.ready());
            failed_starts_ = 0;
            dispatch();
            return;
        }
        w.why_not_ready = "it runs another program than its pool";
    } catch (const std::exception& e) {
        w.why_not_ready = std::string("what it said at its start cannot be read: ") + e.what();
    }
    const scoped_lock lock(mutex_);
    act(w, w.life.kill());
}

// ---- Standard error, death and time -------------------------------------------------------------

void process_core::on_stderr(worker_channel& w) noexcept {
    const auto s = w.read_stderr(false);
    if (s == worker_channel::stream::open)
        return;
    ::epoll_ctl(events_.get(), EPOLL_CTL_DEL, w.standard_error.get(), nullptr);
    if (s == worker_channel::stream::blocked) { // looks again in a moment
        const scoped_lock lock(mutex_);
        arm(w.again, clock::now() + std::chrono::milliseconds(20));
    }
}

void process_core::on_exit(worker_channel& w) noexcept {
    w.how_ended = w.process->collect();
    if (!w.how_ended)
        return;
    ::epoll_ctl(events_.get(), EPOLL_CTL_DEL, w.process->handle(), nullptr);
    {
        const scoped_lock lock(mutex_);
        w.was_starting = w.life.now() == worker_lifecycle::stage::starting;
        w.life.ended();
    }
    reap(w);
}

void process_core::reap(worker_channel& w) noexcept {
    read_answers(w); // what it said before it died still counts
    if (w.waiting && w.violation == nullptr && ++w.tries < most_tries) {
        const scoped_lock lock(mutex_);
        w.blocked.what = deadline::purpose::exit;
        arm(w.blocked, clock::now() + moment);
        return;
    }
    const bool is_left = w.read_stderr(true) == worker_channel::stream::open;
    for (const int file : {w.answered.get(), w.standard_error.get()})
        ::epoll_ctl(events_.get(), EPOLL_CTL_DEL, file, nullptr);
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

    worker_channel::taken victim;         // freed without the lock
    std::unique_ptr<worker_channel> gone; // likewise
    const bool not_started = w.was_starting;
    const bool by_initializer = !w.why_not_ready.empty();
    {
        const scoped_lock lock(mutex_);
        // A worker runs what it was given in turn, so it has begun one at most, whatever it wrote
        // into the slots of the others; where one was condemned, it was that.
        std::uint64_t begun = std::numeric_limits<std::uint64_t>::max();
        for (std::uint16_t slot = 0; slot < wire::slot_count; ++slot) {
            const held_call& c = w.held[slot];
            if (c && !w.memory->slots[slot].is(c.call->number, wire::slot_state::offered))
                begun = std::min(begun, c.call->number);
        }
        if (w.condemned_slots != 0)
            begun = 0;
        for (std::uint16_t slot = 0; slot < wire::slot_count; ++slot) {
            if (!w.held[slot])
                continue;
            const bool condemned = (w.condemned_slots >> slot & 1) != 0; // it has its outcome
            auto t = w.let_go(slot);
            static_cast<void>(w.life.answered());
            if (!condemned && t.task.call->number == begun)
                victim = std::move(t);
            else if (!condemned)
                requeue(std::move(t));
        }
        if (victim.task)
            ++counts_.failed;
        gone = std::move(workers_.extract(w.id).mapped());
        dispatch();
        changed_.notify_all();
    }
    if (victim.task) {
        remote_call& c = *victim.task.call;
        c.arguments = {};
        auto error = error_or_shortage([&] {
            return make_error<worker_died>(w.process->pid(), *w.how_ended, c.call_label(),
                                           w.stderr_tail);
        });
        pass({std::move(victim.task), std::move(error)});
    }
    const std::uint32_t id = gone->id;
    gone.reset();
    while (store_.forget(id)) {
    }
    if (not_started)
        start_failed(start_reason.c_str(), by_initializer);
}

// Milliseconds until the next deadline, -1 without one.
int process_core::run_timers() noexcept {
    for (;;) {
        deadline* d = nullptr; // belongs to this or to a worker, which only this thread destroys
        {
            const scoped_lock lock(mutex_);
            d = deadlines_.first();
            if (d == nullptr)
                return -1;
            const auto now = clock::now();
            if (d->at > now) {
                const auto left = std::chrono::ceil<std::chrono::milliseconds>(d->at - now);
                return static_cast<int>(std::min<std::int64_t>(left.count(), 3'600'000));
            }
            deadline_list::remove(*d);
        }
        on_deadline(*d);
    }
}

void process_core::on_deadline(deadline& d) noexcept {
    worker_channel* w = nullptr;
    pending_outcome v;
    bool decided = false;
    {
        const scoped_lock lock(mutex_);
        w = find(d.worker);
        switch (d.what) {
        case deadline::purpose::grace: act(*w, w->life.grace_over()); break;
        case deadline::purpose::run_time: decided = on_run_time(*w, d, v); break;
        case deadline::purpose::stop_grace:
            decided = kill_for(*w, d.slot);
            if (decided) {
                ++counts_.cancelled;
                v.task = w->held[d.slot];
            }
            break;
        case deadline::purpose::dispatch: dispatch(); break;
        default: break;
        }
    }
    if (decided)
        pass(std::move(v));
    switch (d.what) {
    case deadline::purpose::standard_error:
        try {
            watch(w->standard_error.get(), w->id, source_stderr, EPOLLIN);
        } catch (const std::exception&) {
            const scoped_lock lock(mutex_);
            arm(d, clock::now() + moment);
        }
        break;
    case deadline::purpose::answers: read_answers(*w); break;
    case deadline::purpose::exit: reap(*w); break;
    case deadline::purpose::look: look(); break;
    case deadline::purpose::trim: trim(); break;
    default: break;
    }
}

// True where the task is to end.
bool process_core::on_run_time(worker_channel& w, deadline& d, pending_outcome& v) noexcept {
    const held_call c = w.held[d.slot];
    const auto limit = c.keep->extra->limit.limit().value_or(clock::duration::max());
    const auto now = clock::now();
    if (w.memory->slots[d.slot].is(c.call->number, wire::slot_state::offered)) {
        arm(d, now + std::max<clock::duration>(limit, std::chrono::milliseconds(1)));
        return false;
    }
    const clock::time_point started{std::chrono::nanoseconds(
        w.started_ns(std::chrono::nanoseconds(now.time_since_epoch()).count()))};
    if (now - started < limit && !w.measured[d.slot]) {
        w.measured[d.slot] = true; // it says only once when it began
        arm(d, started + limit);
        return false;
    }
    if (!kill_for(w, d.slot))
        return false;
    ++counts_.failed;
    v.task = c;
    v.error = error_or_shortage([&] {
        return make_error<timeout_error>("the task '" + c.call->call_label() +
                                         "' ran longer than its timeout, and its worker process " +
                                         std::to_string(w.process->pid()) + " is ended");
    });
    return true;
}

// At workers that have tasks, without having been woken: one may have destroyed what wakes.
void process_core::look() noexcept {
    bool more = false;
    for (std::uint32_t last = 0;;) {
        worker_channel* w = nullptr;
        {
            const scoped_lock lock(mutex_);
            const auto it = workers_.upper_bound(last);
            if (it == workers_.end())
                break;
            last = it->first;
            w = it->second.get();
            if (w->life.now() == worker_lifecycle::stage::leaving)
                w->tell_to_leave();
            else if (w->life.held() == 0)
                continue;
            more = true;
            if (!w->is_sound())
                violated(*w, "it wrote to what is not its own");
        }
        if (w->how_ended || w->waiting)
            continue;
        read_answers(*w);
        w->answers->release();
    }
    const scoped_lock lock(mutex_);
    if (more)
        arm(look_, clock::now() + look_interval);
}

// Gives memory back that was needed for something larger than what came since.
void process_core::trim() noexcept {
    segment_store::let_go gone;
    while (store_.trim(wire::now_ns(), gone)) {
        const scoped_lock lock(mutex_);
        if (worker_channel* const w = find(gone.owner))
            w->forget_segment(gone.id);
    }
    if (!store_.has_large())
        return;
    const scoped_lock lock(mutex_);
    arm(trim_, clock::now() + until_trimmed);
}

} // namespace ferry::detail
