// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
// The thread of a process pool that reads what its workers say, and that starts and reaps them.
#include "process_core.hpp"

#include <pthread.h>
#include <sys/epoll.h>

namespace ferry::detail {
namespace {

/// What the reader waits for; the kind is in the lower bits of an event's number, the worker's id
/// above.
enum source : unsigned { source_wake, source_answer, source_exit, source_stderr };

constexpr unsigned tolerated_starts = 3;

std::string text_of(const std::exception_ptr& error) {
    try {
        std::rethrow_exception(error);
    } catch (const std::exception& e) {
        return type_name_of(error) + ": " + e.what();
    } catch (...) {
        return "something that is no std::exception";
    }
}

std::string text_of(const worker_died::ending& how) {
    if (how.signal)
        return "it was ended by signal " + std::to_string(*how.signal);
    return how.exit_code ? "it left with exit code " + std::to_string(*how.exit_code) : "it ended";
}

} // namespace

/// A frame from a worker, still in its ring.
struct process_core::answer {
    wire::frame frame;
    held_call task;
    payload arguments; // of the task, freed with this
};

void process_core::watch(int file, std::uint32_t worker, unsigned what, std::uint32_t events) {
    epoll_event e{};
    e.events = events;
    e.data.u64 = std::uint64_t(worker) << 8 | what;
    if (::epoll_ctl(events_.get(), EPOLL_CTL_ADD, file, &e) != 0)
        throw std::system_error(errno, std::generic_category(), "epoll_ctl");
}

void process_core::run() {
    pthread_setname_np(pthread_self(), "ferry-reader");
    watch(wake_.get(), 0, source_wake, EPOLLIN);
    int wait_ms = 0;
    for (;;) {
        epoll_event events[64];
        const int n = ::epoll_wait(events_.get(), events, 64, wait_ms);
        for (int i = 0; i < n; ++i) {
            const auto what = static_cast<unsigned>(events[i].data.u64 & 0xff);
            if (what == source_wake) {
                std::uint64_t count = 0;
                static_cast<void>(::read(wake_.get(), &count, sizeof count) < 0);
                woken_.store(false);
                continue;
            }
            worker_link* w = nullptr;
            {
                const short_lock lock(mutex_);
                w = find(static_cast<std::uint32_t>(events[i].data.u64 >> 8));
            }
            if (w == nullptr)
                continue; // it was reaped a moment ago
            if (what == source_answer)
                read_answers(*w);
            else if (what == source_exit)
                on_exit(*w);
            else
                on_stderr(*w);
        }
        wait_ms = run_timers();
        if (start_workers())
            wait_ms = 0;
        if (finish_if_closed())
            break;
    }
    const short_lock lock(mutex_);
    reader_ended_ = true;
    changed_.notify_all();
}

bool process_core::finish_if_closed() {
    const short_lock lock(mutex_);
    if (!closed_ || has_unfinished())
        return false;
    for (const auto& [id, w] : workers_)
        act(*w, w->life.leave());
    return workers_.empty();
}

// ---- Starting -----------------------------------------------------------------------------------

// True where it has something to do again at once.
bool process_core::start_workers() {
    for (;;) {
        std::uint32_t id = 0;
        bool others = false;
        {
            const short_lock lock(mutex_);
            if (!wants_worker())
                return false;
            id = ++worker_ids_;
            others = !workers_.empty();
        }
        try {
            child_options how;
            how.depth = depth_;
            how.environment = options_.environment;
            how.working_directory = options_.working_directory;
            how.how_scheduled = how_scheduled_;
            auto w = std::make_unique<worker_link>(id, how, options_.max_tasks_per_child,
                                                   static_cast<bool>(options_.initializer));
            if (options_.initializer)
                w->give_initializer(*options_.initializer.call_, initializer_);
            watch(w->answered.get(), id, source_answer, EPOLLIN | EPOLLET);
            watch(w->process->handle(), id, source_exit, EPOLLIN);
            watch(w->standard_error.get(), id, source_stderr, EPOLLIN);
            const short_lock lock(mutex_);
            workers_.emplace(id, std::move(w));
        } catch (const std::exception& e) {
            if (others)
                return false; // they do the work
            start_failed(e.what());
            return true;
        }
    }
}

void process_core::start_failed(const std::string& why) {
    {
        const short_lock lock(mutex_);
        if (++failed_starts_ < tolerated_starts || broken_)
            return;
    }
    break_pool("the process pool is broken: " + std::to_string(tolerated_starts) +
               " workers in a row could not be started; of the last one: " + why);
}

void process_core::break_pool(const std::string& why) {
    std::vector<verdict> verdicts;
    std::vector<payload> unneeded; // freed without the lock
    {
        const short_lock lock(mutex_);
        broken_ = closed_ = true;
        why_broken_ = why;
        for (auto& [key, c] : queue_) {
            c.call->queued = false;
            unneeded.push_back(std::move(c.call->arguments));
            verdicts.push_back({std::move(c), make_error<broken_process_pool>(why)});
        }
        queue_.clear();
        for (const auto& [id, w] : workers_) {
            for (std::uint16_t slot = 0; slot < wire::slot_count; ++slot) {
                if (auto c = w->let_go(slot)) {
                    static_cast<void>(w->life.answered());
                    unneeded.push_back(std::move(c.call->arguments));
                    verdicts.push_back({std::move(c), make_error<broken_process_pool>(why)});
                }
            }
            act(*w, w->life.kill());
        }
        counts_.failed += verdicts.size();
    }
    pass(verdicts);
}

void process_core::on_ready(worker_link& w, const answer& a) {
    byte_source body(a.frame.body);
    try {
        if (a.frame.header.kind == wire::frame_kind::not_ready) {
            w.why_not_ready = "its initializer threw " + text_of(get_exception(body));
            return;
        }
        if (body.get<std::uint64_t>() == program_identity()) {
            const short_lock lock(mutex_);
            act(w, w.life.ready());
            failed_starts_ = 0;
            dispatch();
            return;
        }
        w.why_not_ready = "it runs another program than its pool";
    } catch (const std::exception& e) {
        w.why_not_ready = std::string("what it said at its start cannot be read: ") + e.what();
    }
    const short_lock lock(mutex_);
    act(w, w.life.kill());
}

// ---- Answers ------------------------------------------------------------------------------------

void process_core::read_answers(worker_link& w) {
    std::vector<answer> batch;
    for (;;) {
        const bool sound = next_answers(w, batch);
        if (!batch.empty()) {
            account(w, batch);
            for (auto& a : batch)
                finish(w, a);
            w.answers->release();
            const std::size_t n = batch.size();
            batch.clear();
            const short_lock lock(mutex_);
            finishing_ -= n;
            changed_.notify_all();
        } else if (sound && w.answers->prepare_sleep()) {
            return;
        }
        if (!sound) {
            w.stderr_tail += "[the worker sent a malformed frame and was killed]";
            const short_lock lock(mutex_);
            act(w, w.life.kill());
            return;
        }
    }
}

// Up to 64 answers; what else a worker says is dealt with at once. False for what is no frame.
bool process_core::next_answers(worker_link& w, std::vector<answer>& batch) {
    while (batch.size() < 64) {
        answer a;
        const wire::decoded d = w.answers->next(a.frame);
        if (d != wire::decoded::frame)
            return d == wire::decoded::nothing;
        switch (a.frame.header.kind) {
        case wire::frame_kind::ready:
        case wire::frame_kind::not_ready: on_ready(w, a); break;
        case wire::frame_kind::value:
        case wire::frame_kind::error:
            if (a.frame.body.size() < sizeof(wire::answer_body))
                return false;
            batch.push_back(std::move(a));
            break;
        default: return false;
        }
    }
    return true;
}

// Takes the answered tasks from their slots, before their outcomes become visible: who sees one may
// count on the worker.
void process_core::account(worker_link& w, std::vector<answer>& batch) {
    const std::int64_t now = wire::now_ns();
    const short_lock lock(mutex_);
    finishing_ += batch.size();
    for (auto& a : batch) {
        const auto& h = a.frame.header;
        if (!w.held[h.slot] || w.held[h.slot].call->number != h.task)
            continue; // let go of when the pool broke
        w.held[h.slot].keep->try_start();
        a.task = w.let_go(h.slot);
        a.arguments = std::move(a.task.call->arguments);
        wire::answer_body body;
        std::memcpy(&body, a.frame.body.data(), sizeof body);
        const auto run = std::max<std::int64_t>(0, body.run_ns);
        mean_run_ns_ = mean_run_ns_ < 0 ? static_cast<double>(run)
                                        : 0.9 * mean_run_ns_ + 0.1 * static_cast<double>(run);
        const auto waited = now - run - a.task.call->submitted_ns;
        ++counts_.run_time[histogram::bucket_of(std::chrono::nanoseconds(run))];
        ++counts_.queue_wait[histogram::bucket_of(std::chrono::nanoseconds(waited))];
        ++(h.kind == wire::frame_kind::value ? counts_.completed : counts_.failed);
        act(w, w.life.answered());
    }
    dispatch();
}

void process_core::finish(worker_link& w, answer& a) {
    if (!a.task)
        return;
    a.arguments = {};
    wire::answer_body body;
    std::memcpy(&body, a.frame.body.data(), sizeof body);
    auto bytes = a.frame.body.subspan(sizeof body);
    const bool failed = a.frame.header.kind == wire::frame_kind::error;
    const auto decode = [failed](remote_call& call, std::span<const std::byte> from) {
        byte_source in(from);
        if (!failed) {
            call.finish(in);
            return;
        }
        std::exception_ptr error;
        try {
            error = get_exception(in);
        } catch (...) {
            error = std::current_exception();
        }
        call.fail(std::move(error));
    };
    if (!body.in_segment) {
        decode(*a.task.call, bytes);
        return;
    }
    std::shared_ptr<segment> s;
    wire::segment_ref ref;
    if (bytes.size() == sizeof ref) {
        std::memcpy(&ref, bytes.data(), sizeof ref);
        try {
            s = w.find_segment(ref);
        } catch (const std::exception& e) {
            a.task.call->fail(make_error<remote_error>("ferry", e.what()));
            return;
        }
    }
    if (s == nullptr) {
        a.task.call->fail(
            make_error<remote_error>("ferry", "the worker's shared mapping did not arrive"));
        return;
    }
    {
        const short_lock lock(mutex_);
        ++finishing_;
    }
    callbacks_.post(
        [this, decode, task = std::move(a.task), s, size = ref.size] {
            decode(*task.call, {s->data(), size});
            s->head().in_use.store(0, std::memory_order_release);
            {
                const short_lock lock(mutex_);
                --finishing_;
                changed_.notify_all();
            }
            wake_reader();
        },
        shared_from_this());
}

// ---- Standard error, death and time -------------------------------------------------------------

void process_core::on_stderr(worker_link& w) {
    const auto s = w.read_stderr(false);
    if (s == worker_link::stream::open)
        return;
    ::epoll_ctl(events_.get(), EPOLL_CTL_DEL, w.standard_error.get(), nullptr);
    if (s == worker_link::stream::blocked) { // looks again in a moment
        const short_lock lock(mutex_);
        arm(clock::now() + std::chrono::milliseconds(20),
            {timer::purpose::standard_error, w.id, 0, 0});
    }
}

void process_core::on_exit(worker_link& w) {
    const auto how = w.process->collect();
    if (!how)
        return;
    worker_lifecycle::stage stage{};
    {
        const short_lock lock(mutex_);
        stage = w.life.now();
        w.life.ended();
    }
    read_answers(w); // what it said before it died still counts
    static_cast<void>(w.read_stderr(true));
    for (const int file : {w.answered.get(), w.process->handle(), w.standard_error.get()})
        ::epoll_ctl(events_.get(), EPOLL_CTL_DEL, file, nullptr);

    std::vector<verdict> verdicts;
    std::vector<payload> unneeded;     // freed without the lock
    std::unique_ptr<worker_link> gone; // destroyed without the lock
    const std::string start_reason =
        (w.why_not_ready.empty() ? text_of(*how) + " before it was ready" : w.why_not_ready) +
        (w.stderr_tail.empty() ? "" : "; the last of its standard error: " + w.stderr_tail);
    const bool not_started = stage == worker_lifecycle::stage::starting;
    {
        const short_lock lock(mutex_);
        for (std::uint16_t slot = 0; slot < wire::slot_count; ++slot) {
            held_call c = w.held[slot];
            if (!c)
                continue;
            if (w.take_back(*c.call)) { // it had not started: another worker will do
                requeue(std::move(c));
                continue;
            }
            const bool condemned =
                w.memory->slots[slot].is(c.call->number, wire::slot_state::condemned);
            static_cast<void>(w.let_go(slot));
            static_cast<void>(w.life.answered());
            unneeded.push_back(std::move(c.call->arguments));
            if (condemned)
                continue; // it has its outcome
            ++counts_.failed;
            const std::string label = c.call->call_label();
            verdicts.push_back({std::move(c), make_error<worker_died>(w.process->pid(), *how, label,
                                                                      w.stderr_tail)});
        }
        gone = std::move(workers_.extract(w.id).mapped());
        dispatch();
        changed_.notify_all();
    }
    pass(verdicts);
    if (not_started)
        start_failed(start_reason);
}

// Milliseconds until the next timer, -1 without one.
int process_core::run_timers() {
    std::vector<verdict> verdicts;
    int wait_ms = -1;
    {
        const short_lock lock(mutex_);
        const auto now = clock::now();
        while (!timers_.empty() && timers_.begin()->first <= now) {
            const timer t = timers_.extract(timers_.begin()).mapped();
            on_timer(t, verdicts);
        }
        if (!timers_.empty()) {
            const auto left =
                std::chrono::ceil<std::chrono::milliseconds>(timers_.begin()->first - now);
            wait_ms = static_cast<int>(std::min<std::int64_t>(left.count(), 3'600'000));
        }
    }
    pass(verdicts);
    return wait_ms;
}

void process_core::on_timer(const timer& t, std::vector<verdict>& verdicts) {
    worker_link* const w = find(t.worker);
    if (w == nullptr)
        return;
    switch (t.what) {
    case timer::purpose::grace: act(*w, w->life.grace_over()); break;
    case timer::purpose::standard_error:
        watch(w->standard_error.get(), w->id, source_stderr, EPOLLIN);
        break;
    case timer::purpose::run_time: on_run_time(*w, t, verdicts); break;
    case timer::purpose::stop_grace: {
        const held_call c = w->held[t.slot];
        if (c && c.call->number == t.task && condemn(*w, t.slot, t.task)) {
            ++counts_.cancelled;
            verdicts.push_back({c, nullptr});
        }
    }
    }
}

void process_core::on_run_time(worker_link& w, const timer& t, std::vector<verdict>& verdicts) {
    const held_call c = w.held[t.slot];
    if (!c || c.call->number != t.task)
        return; // it has ended, or was taken back
    const auto limit = c.keep->extra->limit.limit().value_or(clock::duration::max());
    const auto now = clock::now();
    if (w.memory->slots[t.slot].is(t.task, wire::slot_state::offered)) {
        arm(now + std::max<clock::duration>(limit, std::chrono::milliseconds(1)), t);
        return;
    }
    const clock::time_point started{std::chrono::nanoseconds(w.memory->started_ns.load())};
    if (now - started < limit) {
        arm(started + limit, t);
        return;
    }
    if (condemn(w, t.slot, t.task)) {
        ++counts_.failed;
        verdicts.push_back({c, make_error<timeout_error>(
                                   "the task '" + c.call->call_label() +
                                   "' ran longer than its time-out, and its worker process " +
                                   std::to_string(w.process->pid()) + " is ended")});
    }
}

} // namespace ferry::detail
