// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include "pool_core.hpp"

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
    return static_cast<std::uint32_t>(ns >> 10) | 1;
}

// ---- The task that a thread is in ---------------------------------------------------------------

running_scope::running_scope(shared_state_base& task) noexcept
    : task_(task), outer_(std::exchange(current_scope, this)) {
    worker* const w = current_worker;
    if (w == nullptr)
        return;
    if (task.stamp != 0) {
        const std::uint32_t now = stamp_now();
        worker_counts::record(w->counts.queue_wait, now - task.stamp);
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
        worker_counts::record(w->counts.run_time, stamp_now() - task_.stamp);
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
            w.current.store(r->is_task() ? static_cast<shared_state_base*>(r)
                                            : worker::busy(),
                            std::memory_order_relaxed);
            if (blocked_.load(std::memory_order_relaxed) != 0)
                space_.notify_one();
            const bool more = !ready_.empty() || !inbox_.empty();
            worker* const other = more && has_help() ? find_help() : nullptr;
            lock.unlock();
            if (other != nullptr)
                other->rouse();
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
