// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include "pool_core.hpp"

#include <ferry/detail/futex.hpp>
#include <ferry/detail/spin.hpp>
#include <ferry/detail/task.hpp>

#include <unistd.h>

namespace ferry::detail {

// ---- What tasks tell their pool -----------------------------------------------------------------

void left_queue(pool_core& home, bool cancelled) noexcept {
    home.left_queue(cancelled);
}
bool on_worker_of(const pool_core* core) noexcept {
    const worker* const w = this_worker();
    return w != nullptr && core != nullptr && &w->core == core;
}

// ---- Submitting ---------------------------------------------------------------------------------

pool_core::pool_core(thread_pool_options options)
    : options_(std::move(options)), process_(::getpid()) {}

pool_core::~pool_core() {
    // Nothing is left here unless the workers ended without looking again: fail it rather than
    // leave it pending.
    fifo rest;
    {
        const short_lock lock(mutex_);
        drain_all();
        rest = ready_.extract_all();
    }
    while (runnable* r = rest.pop())
        r->drop(make_error<broken_promise>("the thread pool was destroyed"));
}

// False where it is not taken any more.
bool pool_core::enqueue(runnable& r, bool even_if_closed) noexcept {
    if (!even_if_closed && closed())
        return false;
    if (r.priority != 0)
        prioritized_.store(true);
    inbox_.push(r); // it may be gone from here on
    pushed_on_.store(this_processor(), std::memory_order_relaxed);
    return !closed() || even_if_closed || !take_back(r);
}

// True where it was still queued and belongs to the caller again.
bool pool_core::take_back(const runnable& r) noexcept {
    const short_lock lock(mutex_);
    drain_all();
    return !ready_.extract([&r](const runnable& other) { return &other == &r; }).empty();
}

void pool_core::throw_closed() {
    short_lock lock(mutex_);
    if (broken_)
        throw broken_thread_pool(why_broken_);
    throw shutdown_error();
}

void pool_core::push(runnable& r, bounded b) {
    static thread_local unsigned submitted = 0;
    if ((++submitted & 15) == 0)
        r.stamp = stamp_now();
    else if (unsampled_.load(std::memory_order_relaxed) > 0 &&
             unsampled_.fetch_sub(1, std::memory_order_relaxed) > 0)
        r.stamp = stamp_now();

    if (b == bounded::yes && options_.max_queue != 0 && !on_worker_of(this)) {
        push_bounded(r);
        return;
    }
    if (threads_.load(std::memory_order_relaxed) == 0)
        start_first_thread();
    if (!enqueue(r, false))
        throw_closed();
    after_push(&r);
}

void pool_core::post(runnable& r) {
    try {
        if (threads_.load(std::memory_order_relaxed) == 0)
            start_first_thread();
    } catch (...) {
        r.drop(nullptr);
        throw;
    }
    // While something is expected, workers do not end.
    if (enqueue(r, !nothing_expected()))
        after_push(nullptr);
    else
        r.drop(nullptr);
}

void pool_core::start_first_thread() {
    const short_lock lock(mutex_);
    if (workers_.empty() && !(closed() && nothing_expected()))
        start_thread();
}

// Sees to it that somebody takes what was pushed. `undo`, where given, is taken back when there is
// no thread and none can be started.
void pool_core::after_push(runnable* undo) {
    if (looking_.load() != 0)
        return;
    if (threads_.load() >= options_.max_workers) {
        if (sleeping_.load() != 0)
            wake_one();
        return;
    }
    worker* w = nullptr;
    {
        const short_lock lock(mutex_);
        try {
            w = wake_or_grow();
        } catch (...) {
            if (undo == nullptr)
                return; // it stays queued for the next thread that can be started
            drain_all();
            const fifo mine = ready_.extract([undo](const runnable& r) { return &r == undo; });
            if (mine.empty())
                return;
            throw;
        }
    }
    if (w != nullptr)
        futex_wake(reinterpret_cast<std::uint32_t*>(&w->wake), 1);
}

void pool_core::push_bounded(runnable& r) {
    worker* w = nullptr;
    {
        short_lock lock(mutex_);
        for (;;) {
            if (closed()) {
                lock.unlock();
                throw_closed();
            }
            drain();
            if (live_tasks() < options_.max_queue)
                break;
            if (options_.when_full == when_full::reject)
                throw queue_full_error("the queue of the thread pool is full (max_queue is " +
                                       std::to_string(options_.max_queue) + "): the task '" +
                                       r.label() + "' was rejected");
            blocked_.fetch_add(1);
            space_.wait(lock);
            blocked_.fetch_sub(1);
        }
        if (workers_.empty())
            start_thread();
        if (r.priority != 0)
            prioritized_.store(true);
        ready_.push(r);
        note_backlog();
        pushed_on_.store(this_processor(), std::memory_order_relaxed);
        w = find_help();
    }
    if (w != nullptr)
        futex_wake(reinterpret_cast<std::uint32_t*>(&w->wake), 1);
}

void pool_core::left_queue(bool cancelled) noexcept {
    if (cancelled)
        cancelled_.fetch_add(1, std::memory_order_relaxed);
    const std::int64_t dead = dead_.fetch_add(1) + 1;
    if (blocked_.load() != 0) {
        const short_lock lock(mutex_);
        space_.notify_one();
    }
    if (dead > sweep_at_.load(std::memory_order_relaxed))
        sweep();
}

// Takes claimed items out of the queue when they are the greater part of it.
void pool_core::sweep() noexcept {
    fifo stale;
    {
        const short_lock lock(mutex_);
        drain();
        if (dead_.load() * 2 > static_cast<std::int64_t>(ready_.size()))
            stale = ready_.extract([](const runnable& r) { return r.stale(); });
        sweep_at_.store(256 + static_cast<std::int64_t>(ready_.size()) / 2);
    }
    while (runnable* r = stale.pop())
        r->drop(nullptr);
}

// ---- Waking and starting workers ----------------------------------------------------------------

void pool_core::drain() noexcept {
    while (runnable* const r = inbox_.pop())
        ready_.push(*r);
    note_backlog();
}

// The same, with what is just being pushed.
void pool_core::drain_all() noexcept {
    drain();
    for (short_wait pause; !inbox_.empty(); drain())
        pause();
}

void pool_core::note_backlog() noexcept {
    const bool any = !ready_.empty();
    if (backlog_.load(std::memory_order_relaxed) != any)
        backlog_.store(any);
}

std::size_t pool_core::live_tasks() const noexcept {
    const auto dead = std::max<std::int64_t>(0, dead_.load());
    const auto n = static_cast<std::int64_t>(ready_.tasks()) - dead;
    return n > 0 ? static_cast<std::size_t>(n) : 0;
}

bool pool_core::has_free_workers(std::size_t wanted) const noexcept {
    std::size_t n = 0;
    for (auto w = workers_.rbegin(); w != workers_.rend() && n < wanted; ++w)
        n += (*w)->available() ? 1 : 0;
    return n >= wanted;
}

worker* pool_core::pop_sleeper() noexcept {
    worker* const w = sleepers_;
    if (w != nullptr) {
        sleepers_ = w->next_sleeper;
        w->sleeps = false;
        sleeping_.fetch_sub(1);
        w->wake.store(1);
    }
    return w;
}

// After a push: the worker to wake, which the caller does without the lock; or starts one.
worker* pool_core::wake_or_grow() {
    if (workers_.size() < options_.max_workers) {
        drain();
        const std::size_t dead = static_cast<std::size_t>(std::max<std::int64_t>(0, dead_.load()));
        const std::size_t waiting = ready_.size() > dead ? ready_.size() - dead : 0;
        if (waiting == 0)
            return nullptr;
        if (sleeping_.load() < waiting && !has_free_workers(waiting))
            start_thread();
    }
    return sleepers_ != nullptr && !waking_.exchange(true) ? pop_sleeper() : nullptr;
}

void pool_core::wake_one() noexcept {
    if (waking_.load() || waking_.exchange(true))
        return;
    worker* w = nullptr;
    {
        const short_lock lock(mutex_);
        w = pop_sleeper();
        if (w == nullptr)
            waking_.store(false);
    }
    if (w != nullptr)
        futex_wake(reinterpret_cast<std::uint32_t*>(&w->wake), 1);
}

// Throws std::system_error only where there is no other thread.
void pool_core::start_thread() {
    auto w = std::make_unique<worker>(*this, started_);
    worker& started = *w;
    if (options_.initializer)
        w->current.store(worker::starting());
    workers_.push_back(std::move(w));
    try {
        started.thread = std::thread([self = shared_from_this(), &started] { self->work(started); });
    } catch (const std::system_error&) {
        workers_.pop_back();
        if (workers_.empty())
            throw;
        return;
    }
    ++started_;
    threads_.store(workers_.size());
}

// ---- Tasks that come through another executor ---------------------------------------------------

bool pool_core::expect(shared_state_base& t) {
    const short_lock lock(mutex_);
    if (closed())
        return false;
    expected_.fetch_add(1);
    guests_.insert(&t);
    return true;
}

void pool_core::met(shared_state_base& t) {
    const short_lock lock(mutex_);
    guests_.erase(&t);
    if (expected_.fetch_sub(1) == 1 && closed()) {
        wake_all();
        gone_.notify_all();
    }
}

// ---- Ending -------------------------------------------------------------------------------------

void pool_core::close(bool cancel) {
    fifo dropped;
    std::vector<boost::intrusive_ptr<shared_state_base>> guests;
    {
        const short_lock lock(mutex_);
        closed_.store(true);
        if (cancel) { // tasks only: a strand's turn brings more than itself
            drain_all();
            dropped = ready_.extract([](const runnable& r) { return r.is_task != 0; });
        }
        if (cancel)
            guests.assign(guests_.begin(), guests_.end());
        space_.notify_all();
        wake_all();
    }
    while (runnable* r = dropped.pop())
        r->drop(nullptr);
    for (const auto& g : guests)
        g->cancel();
}

void pool_core::wake_all() noexcept {
    while (worker* w = pop_sleeper())
        futex_wake(reinterpret_cast<std::uint32_t*>(&w->wake), 1);
}

void pool_core::detach_worker(worker& w) {
    w.detached = true;
    w.thread.detach();
    for (auto it = workers_.begin(); it != workers_.end(); ++it) {
        if (it->get() == &w) {
            detached_.push_back(std::move(*it));
            workers_.erase(it);
            break;
        }
    }
    threads_.store(workers_.size());
}

// Joins the threads that have ended.
void pool_core::reap(short_lock& lock) {
    std::vector<std::thread> threads;
    threads.swap(to_join_);
    if (threads.empty())
        return;
    ++joining_;
    lock.unlock();
    for (auto& t : threads)
        t.join();
    lock.lock();
    --joining_;
    gone_.notify_all();
}

void pool_core::join() {
    short_lock lock(mutex_);
    if (on_worker_of(this) && !this_worker()->detached)
        detach_worker(*this_worker());
    for (;;) {
        reap(lock);
        if (workers_.empty() && to_join_.empty() && joining_ == 0 && nothing_expected())
            return;
        if (to_join_.empty())
            gone_.wait(lock);
    }
}

shutdown_report pool_core::close_within(timeout limit) {
    const auto deadline = limit.deadline();
    const auto finished = [this] {
        const pool_stats s = stats();
        return s.completed + s.failed;
    };
    const std::uint64_t before = finished();
    close(false);
    shutdown_report report;
    fifo dropped;
    std::vector<boost::intrusive_ptr<shared_state_base>> guests;
    {
        short_lock lock(mutex_);
        while (!(workers_.empty() && nothing_expected()) && !(deadline && timeout::clock::now() >= *deadline)) {
            if (deadline)
                gone_.wait_until(lock, *deadline);
            else
                gone_.wait(lock);
        }
        drain_all();
        dropped = ready_.extract_all();
        guests.assign(guests_.begin(), guests_.end());
        given_up_.store(true);
        wake_all();
        for (std::size_t i = workers_.size(); i-- != 0;) {
            worker& w = *workers_[i];
            shared_state_base* task = w.current.load();
            if (task == nullptr)
                continue; // it ends by itself: nothing is queued any more
            std::string label = "a callback, finalizer or function without a future";
            if (task == worker::starting()) {
                label = "the initializer";
            } else if (task != worker::busy()) {
                if (!w.current.compare_exchange_strong(task, worker::reading()))
                    continue;
                label = task->label();
                w.current.store(task);
            }
            report.stuck.push_back(
                {std::move(label), std::chrono::nanoseconds(coarse_now() - w.since.load())});
            detach_worker(w);
        }
    }
    while (runnable* r = dropped.pop()) {
        report.dropped += r->is_task != 0 && !r->stale() ? 1 : 0;
        r->drop(nullptr);
    }
    for (const auto& g : guests)
        report.dropped += g->cancel() ? 1 : 0;
    join();
    report.finished = static_cast<std::size_t>(finished() - before);
    return report;
}

bool pool_core::is_forked_copy() const noexcept {
    return process_ != ::getpid();
}

void pool_core::forsake() noexcept {
    // The threads' handles must not be destroyed while they look joinable.
    static_cast<void>(new std::shared_ptr<pool_core>(shared_from_this()));
}

// ---- Statistics ---------------------------------------------------------------------------------

pool_stats pool_core::stats() {
    pool_stats s;
    worker_counts sum;
    {
        const short_lock lock(mutex_);
        drain();
        s.queued = live_tasks();
        s.workers = workers_.size() + detached_.size();
        sum.add(ended_counts_);
        for (const auto* list : {&workers_, &detached_}) {
            for (const auto& w : *list) {
                sum.add(w->counts);
                s.running += w->current.load() != nullptr ? 1 : 0;
            }
        }
    }
    s.idle = s.workers - s.running;
    s.cancelled = cancelled_.load(std::memory_order_relaxed);
    s.completed = sum.completed.load(std::memory_order_relaxed);
    s.failed = sum.failed.load(std::memory_order_relaxed);
    for (std::size_t i = 0; i < histogram::buckets; ++i) {
        s.queue_wait[i] = sum.queue_wait[i].load(std::memory_order_relaxed);
        s.run_time[i] = sum.run_time[i].load(std::memory_order_relaxed);
    }
    return s;
}

} // namespace ferry::detail
