// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include "pool_core.hpp"

#include <ferry/detail/futex.hpp>
#include <ferry/detail/slab.hpp>
#include <ferry/detail/spin.hpp>
#include <ferry/detail/task.hpp>

#include <algorithm>
#include <ctime>

namespace ferry::detail {
namespace {

thread_local worker* current_worker = nullptr;
thread_local running_scope* current_scope = nullptr;

} // namespace

worker* this_worker() noexcept {
    return current_worker;
}
void set_this_worker(worker* w) noexcept {
    current_worker = w;
}

std::int64_t coarse_now() noexcept {
#if defined(CLOCK_MONOTONIC_COARSE)
    timespec t{};
    ::clock_gettime(CLOCK_MONOTONIC_COARSE, &t);
    return std::int64_t(t.tv_sec) * 1'000'000'000 + t.tv_nsec;
#else
    return std::chrono::nanoseconds(timeout::clock::now().time_since_epoch()).count();
#endif
}

std::uint32_t stamp_now() noexcept {
    const auto ns = std::chrono::nanoseconds(timeout::clock::now().time_since_epoch()).count();
    return (static_cast<std::uint32_t>(ns >> 10) & 0x7fffffff) | 1;
}

// ---- The task that a thread is in ---------------------------------------------------------------

running_scope::running_scope(shared_state_base& task) noexcept
    : task_(task), outer_(std::exchange(current_scope, this)) {
    worker* const w = current_worker;
    if (w == nullptr)
        return;
    if (task.stamp != 0) {
        const std::uint32_t now = stamp_now();
        worker_counts::record(w->counts.queue_wait, (now - task.stamp) & 0x7fffffff);
        task.stamp = now;
    }
}

running_scope::~running_scope() {
    current_scope = outer_;
}

void running_scope::finished(bool failed, bool busy) noexcept {
    worker* const w = current_worker;
    if (w == nullptr)
        return;
    worker_counts::increment(failed ? w->counts.failed : w->counts.completed);
    if (task_.stamp != 0)
        worker_counts::record(w->counts.run_time, (stamp_now() - task_.stamp) & 0x7fffffff);
    if (w->top == &task_)
        w->forget(task_, busy ? worker::busy() : nullptr);
}

void worker::forget(shared_state_base& task, shared_state_base* then) noexcept {
    short_wait pause;
    for (shared_state_base* mine = &task; !current.compare_exchange_strong(mine, then);
         mine = &task)
        pause(); // its label is being read
}

void taken_stale(shared_state_base& task) noexcept {
    task.home->taken_stale();
    worker* const w = current_worker;
    if (w != nullptr && w->top == &task)
        w->forget(task, nullptr);
}

bool running_scope::contains(const shared_state_base& task) noexcept {
    for (const running_scope* s = current_scope; s != nullptr; s = s->outer_) {
        if (&s->task_ == &task)
            return true;
    }
    return false;
}

// ---- The life of a worker -----------------------------------------------------------------------

void pool_core::work(worker& w) {
    set_this_worker(&w);
    struct at_end {
        pool_core& core;
        worker& self;
        ~at_end() {
            set_this_worker(nullptr);
            core.ended(self);
        }
    } const end{*this, w};

    std::string number(1, '_');
    number += std::to_string(w.number);
    const std::string name = options_.thread_name_prefix.substr(0, 15 - number.size()) + number;
    pthread_setname_np(pthread_self(), name.c_str());

    if (!initialise(w))
        return;
    w.current.store(nullptr);
    loop(w);
    if (options_.finalizer) {
        w.since.store(coarse_now());
        w.current.store(worker::busy());
        try {
            options_.finalizer();
        } catch (...) {
            report_or_unwind();
        }
    }
}

bool pool_core::initialise(worker& w) noexcept {
    if (!options_.initializer)
        return true;
    w.since.store(coarse_now());
    try {
        options_.initializer();
        return true;
    } catch (const std::exception& e) {
        break_pool(std::string("the thread pool's initializer failed: ") + e.what());
    } catch (...) {
        break_pool("the thread pool's initializer failed: it threw what is no std::exception");
    }
    return false;
}

void pool_core::break_pool(const std::string& why) {
    fifo dropped;
    std::vector<boost::intrusive_ptr<shared_state_base>> guests;
    {
        const short_lock lock(mutex_);
        if (!broken_)
            why_broken_ = why;
        broken_ = true;
        given_up_.store(true);
        guests.assign(guests_.begin(), guests_.end());
        closed_.store(true);
        drain_all();
        dropped = ready_.extract_all();
    }
    close(false);
    while (runnable* r = dropped.pop())
        r->drop(make_error<broken_thread_pool>(why));
    for (const auto& g : guests)
        g->fail(make_error<broken_thread_pool>(why), false);
}

void pool_core::loop(worker& w) {
    while (runnable* r = next(w)) {
        w.top = r;
        try {
            r->run(); // from here on it may be gone
        } catch (...) {
            report_or_unwind();
        }
        w.top = nullptr;
        if (w.current.load(std::memory_order_relaxed) != nullptr)
            w.current.store(nullptr);
    }
}

// The next item; null when the worker is to end.
runnable* pool_core::next(worker& w) {
    short_lock lock(mutex_);
    for (;;) {
        runnable* const r = take();
        note_backlog();
        if (r != nullptr) {
            ++w.streak;
            w.since.store(coarse_now(), std::memory_order_relaxed);
            w.current.store(r->is_task != 0 ? static_cast<shared_state_base*>(r)
                                            : worker::busy(),
                            std::memory_order_relaxed);
            if (blocked_.load(std::memory_order_relaxed) != 0)
                space_.notify_one();
            worker* const other = ready_.empty() && inbox_.empty() ? nullptr : find_help();
            lock.unlock();
            if (other != nullptr)
                futex_wake(reinterpret_cast<std::uint32_t*>(&other->wake), 1);
            return r;
        }
        if (!closed() || !nothing_expected()) {
            if (!sleep(w, lock))
                return nullptr;
        } else if (inbox_.empty()) {
            return nullptr;
        } else { // something is just being pushed
            lock.unlock();
            std::this_thread::yield();
            lock.lock();
        }
    }
}

// The next item, if there is one that can be reached.
runnable* pool_core::take() noexcept {
    if (prioritized_.load())
        drain();
    else if (ready_.empty())
        return inbox_.pop();
    return ready_.pop();
}

// There is more in the queue than this worker takes: somebody else to wake, or null.
worker* pool_core::find_help() noexcept {
    if (looking_.load() != 0)
        return nullptr; // it sees `backlog_`
    try {
        return wake_or_grow();
    } catch (const std::exception&) {
        return nullptr; // the workers that there are do it
    }
}

bool pool_core::has_work() const noexcept {
    return !inbox_.empty() || backlog_.load() || closed();
}

// Looks for more for a moment before it sleeps, because a wake-up costs microseconds, across
// processors tens of them. Nobody is woken for what is pushed meanwhile.
//
// On the submitter's processor it only lets the submitter go on: what that pushes in its time slice
// is then found without a wake-up (measured: 1000 coroutines offloading in turn take half the time).
// Elsewhere it looks for a microsecond or two where items came one after the other; once in a while
// for as long as a wake-up takes, because a partner that is never asleep when the answer comes is
// answered in a microsecond, and nothing else leads there (measured: a round trip takes 1 instead of
// 50 us). What does not pay is left out more and more.
void pool_core::look(worker& w) noexcept {
    using clock = timeout::clock;
    constexpr auto wake_up = std::chrono::microseconds(50); // across processors
    constexpr auto soon = std::chrono::microseconds(4);

    if (const auto spin = options_.spin.limit(); spin && *spin > spin->zero()) {
        const auto end = clock::now() + *spin;
        for (short_wait pause; !has_work() && clock::now() < end;)
            pause();
    } else if (this_processor() == pushed_on_.load(std::memory_order_relaxed)) {
        w.yield();
    } else if (w.streak >= 8 || w.found) {
        if (w.streak >= 8)
            w.long_looks.reset();
        for (int i = 0; i < 200 && !has_work(); ++i)
            pause_briefly();
    } else if (w.long_looks.allows()) {
        const auto start = clock::now();
        while (!has_work() && clock::now() - start < wake_up)
            pause_briefly();
        if (clock::now() - start >= soon)
            w.long_looks.failed();
    }
}

// Sleeps until woken; false when it was idle for too long. Looks at the queue again before.
bool pool_core::sleep(worker& w, short_lock& lock) {
    if (!closed()) {
        lock.unlock();
        looking_.fetch_add(1);
        look(w);
        looking_.fetch_sub(1);
        lock.lock();
        w.found = !inbox_.empty() || !ready_.empty();
        if (w.found || closed())
            return true;
    }
    w.streak = 0;
    w.wake.store(0);
    w.next_sleeper = sleepers_;
    sleepers_ = &w;
    w.sleeps = true;
    sleeping_.fetch_add(1);
    if (!inbox_.empty()) { // pushed meanwhile
        sleepers_ = w.next_sleeper;
        w.sleeps = false;
        sleeping_.fetch_sub(1);
        return true;
    }
    lock.unlock();
    slab_trim();
    const auto deadline = options_.idle_timeout.deadline();
    bool expired = false;
    while (w.wake.load() == 0 && !expired) {
        futex_wait(reinterpret_cast<std::uint32_t*>(&w.wake), 0, deadline);
        expired = deadline && timeout::clock::now() >= *deadline;
    }
    lock.lock();
    if (!w.sleeps) {
        waking_.store(false);
        return true;
    }
    // Nobody wakes it any more: it takes itself off the list and counts itself out; then it looks
    // once more, because a submitter that still counted on it has pushed before.
    for (worker** link = &sleepers_; *link != nullptr; link = &(*link)->next_sleeper) {
        if (*link == &w) {
            *link = w.next_sleeper;
            break;
        }
    }
    w.sleeps = false;
    sleeping_.fetch_sub(1);
    threads_.store(workers_.size() - 1);
    if (!inbox_.empty() || !ready_.empty()) {
        threads_.store(workers_.size());
        return true;
    }
    w.current.store(worker::busy()); // nobody may count on it any more
    return false;
}

void pool_core::ended(worker& w) noexcept {
    bool left = false;
    {
        short_lock lock(mutex_);
        reap(lock);
        ended_counts_.add(w.counts);
        auto& list = w.detached ? detached_ : workers_;
        if (!w.detached)
            to_join_.push_back(std::move(w.thread));
        list.erase(std::find_if(list.begin(), list.end(),
                                [&w](const auto& p) { return p.get() == &w; }));
        threads_.store(workers_.size());
        drain();
        left = !ready_.empty();
        gone_.notify_all();
    }
    if (left) { // forced unwinding ended it with work in the queue
        try {
            after_push(nullptr);
        } catch (...) {
            return;
        }
    }
}

} // namespace ferry::detail
