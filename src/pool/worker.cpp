// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include "pool_core.hpp"

#include "future/expiry_threads.hpp"

#include <ferry/detail/assert.hpp>
#include <ferry/detail/memory.hpp>
#include <ferry/detail/spin.hpp>
#include <ferry/detail/task.hpp>

#include <ctime>

#include <pthread.h>

namespace ferry::detail {
namespace {

thread_local worker* current_worker = nullptr;
thread_local running_scope* current_scope = nullptr;

} // namespace

bool is_own_thread_of(const pool_core& core) noexcept {
    return on_worker_of(&core) || expiring_owner() == &core;
}
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
    FERRY_ASSERT(current_scope == this); // they nest
    current_scope = outer_;
}

void running_scope::finished(bool failed, bool user_code_follows) noexcept {
    worker* const w = current_worker;
    if (w == nullptr)
        return;
    worker_counts::increment(failed ? w->counts.failed : w->counts.completed);
    if (task_.stamp != 0)
        worker_counts::record(w->counts.run_time, stamp_now() - task_.stamp);
    if (w->top == &task_ && !user_code_follows)
        w->forget(task_, nullptr);
}

void running_scope::left() noexcept {
    worker* const w = current_worker;
    if (w != nullptr && w->top == &task_)
        w->forget(task_, worker::busy());
}

void running_scope::destroys_outcome(const std::type_info& type) noexcept {
    worker* const w = current_worker;
    if (w != nullptr && w->top == &task_)
        w->core.destroys_outcome(*w, task_, type);
}

void worker::forget(shared_state_base& task, shared_state_base* then) noexcept {
    FERRY_ASSERT(this_worker() == this);
    spin_wait pause;
    for (shared_state_base* mine = &task; !current.compare_exchange_strong(mine, then);
         mine = &task)
        pause(); // its label is being read
}

void pool_core::on_claimed_task_removed(shared_state_base& task) noexcept {
    claimed_task_removed();
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

const shared_state_base* running_scope::innermost() noexcept {
    return current_scope != nullptr ? &current_scope->task_ : nullptr;
}

// ---- The life of a worker -----------------------------------------------------------------------

void pool_core::work(worker& w) {
    FERRY_ASSERT(this_worker() == nullptr && &w.core == this);
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

    note_stack();
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
    std::string why;
    try {
        try {
            options_.initializer();
            return true;
        } catch (const std::exception& e) {
            why = std::string("the thread pool's initializer failed: ") + e.what();
        } catch (...) {
            why = "the thread pool's initializer failed: it threw an exception not derived from "
                  "std::exception";
        }
    } catch (const std::bad_alloc&) { // then it is told without the reason
    }
    mark_broken(std::move(why));
    return false;
}

void pool_core::loop(worker& w) {
    FERRY_ASSERT(this_worker() == &w);
    while (work_item* r = next(w)) {
        w.top = r;
        try {
            r->run(); // from here on it may be gone
        } catch (...) { // a function without a future
            report_or_terminate();
        }
        w.top = nullptr;
        if (w.current.load(std::memory_order_relaxed) != nullptr) {
            if (w.destroys.load(std::memory_order_relaxed) != nullptr)
                w.destroys.store(nullptr);
            w.current.store(nullptr);
        }
    }
}

// The worker has let go of the task, of which it holds the last reference. Where it called itself
// available before, somebody may have relied on that meanwhile.
void pool_core::destroys_outcome(worker& w, shared_state_base& task,
                                 const std::type_info& type) noexcept {
    FERRY_ASSERT(this_worker() == &w && w.top == &task);
    FERRY_ASSERT(task.done());
    if (task.extra != nullptr && !task.extra->label.empty()) {
        const scoped_lock lock(mutex_);
        w.destroys_label = std::move(task.extra->label);
    } else if (!w.destroys_label.empty()) {
        const scoped_lock lock(mutex_);
        w.destroys_label.clear();
    }
    w.destroys.store(&type);
    shared_state_base* mine = &task;
    if (w.current.compare_exchange_strong(mine, worker::busy()) || mine == worker::busy())
        return;
    if (mine == worker::reading()) { // its label is being read
        w.forget(task, worker::busy());
        return;
    }
    w.current.store(worker::busy());
    if (!inbox_.empty() || backlog_.load())
        after_push(nullptr);
}

// The next item; null when the worker is to end.
work_item* pool_core::next(worker& w) {
    scoped_lock lock(mutex_);
    FERRY_ASSERT(this_worker() == &w && w.top == nullptr);
    FERRY_ASSERT(w.current.load() == nullptr);
    for (;;) {
        if (workers_.size() > limit_.load(std::memory_order_relaxed) && !w.retired) {
            // Others stand in for it.
            w.current.store(worker::busy());
            retire(w);
            sleeper* const other = ready_.empty() && inbox_.empty() ? nullptr : wake_candidate();
            lock.unlock();
            if (other != nullptr)
                other->wake_up();
            return nullptr;
        }
        work_item* const r = take();
        note_backlog();
        if (r != nullptr) {
            ++w.items_since_sleep;
            w.since.store(coarse_now(), std::memory_order_relaxed);
            w.current.store(r->is_task() ? static_cast<shared_state_base*>(r)
                                            : worker::busy(),
                            std::memory_order_relaxed);
            if (blocked_.load(std::memory_order_relaxed) != 0)
                space_.notify_one();
            const bool more = !ready_.empty() || !inbox_.empty();
            sleeper* const other = more && can_wake_or_start() ? wake_candidate() : nullptr;
            lock.unlock();
            if (other != nullptr)
                other->wake_up();
            return r;
        }
        if (!closed() || !no_work_outstanding()) {
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
    FERRY_ASSERT(this_worker() == nullptr); // it runs no user code any more
    bool left = false;
    {
        scoped_lock lock(mutex_);
        join_finished_threads(lock);
        ended_counts_.add(w.counts);
        FERRY_ASSERT(w.detached || to_join_.size() < to_join_.capacity());
        if (!w.detached)
            to_join_.push_back(std::move(w.thread)); // has room
        remove(w.retired || w.detached ? retired_ : workers_, w);
        threads_.store(workers_.size());
        drain();
        left = !ready_.empty();
        gone_.notify_all();
    }
    if (left) // it left work in the queue
        after_push(nullptr);
}

// ---- Its stack ----------------------------------------------------------------------------------

namespace {

thread_local const char* middle_of_stack = nullptr; // null where that is not known

} // namespace

void note_stack() noexcept {
#if defined(__linux__)
    pthread_attr_t attributes;
    if (::pthread_getattr_np(::pthread_self(), &attributes) != 0)
        return;
    void* lowest = nullptr;
    std::size_t size = 0;
    if (::pthread_attr_getstack(&attributes, &lowest, &size) == 0)
        middle_of_stack = static_cast<const char*>(lowest) + size / 2;
    ::pthread_attr_destroy(&attributes);
#endif
}

bool is_short_of_stack() noexcept {
    return middle_of_stack != nullptr &&
           static_cast<const char*>(__builtin_frame_address(0)) < middle_of_stack;
}

spare_worker::spare_worker() {
    worker* const w = current_worker;
    if (w != nullptr && is_short_of_stack()) {
        w->core.add_spare();
        owner_ = &w->core;
    }
}
spare_worker::~spare_worker() {
    if (owner_ != nullptr)
        static_cast<pool_core*>(owner_)->remove_spare();
}

} // namespace ferry::detail
