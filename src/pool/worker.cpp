// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include "pool_core.hpp"

#include "future/expiry_threads.hpp"

#include <ferry/detail/assert.hpp>
#include <ferry/detail/memory.hpp>
#include <ferry/detail/scope_exit.hpp>
#include <ferry/detail/spin.hpp>
#include <ferry/detail/task.hpp>

#include <algorithm>
#include <ctime>

#include <pthread.h>

namespace ferry::detail {

constinit thread_local worker* current_worker = nullptr;

bool is_own_thread_of(const pool_core& core) noexcept {
    return on_worker_of(&core) || expiring_owner() == &core;
}
void set_this_worker(worker* w) noexcept { current_worker = w; }

std::int64_t coarse_now() noexcept {
#if defined(CLOCK_MONOTONIC_COARSE)
    timespec t{};
    ::clock_gettime(CLOCK_MONOTONIC_COARSE, &t);
    return std::int64_t(t.tv_sec) * 1'000'000'000 + t.tv_nsec;
#else
    return std::chrono::nanoseconds(timeout::clock::now().time_since_epoch()).count();
#endif
}

void worker::forget(shared_state_base& task, shared_state_base* then) noexcept {
    FERRY_ASSERT(this_worker() == this);
    spin_wait pause;
    for (shared_state_base* mine = &task; !current.compare_exchange_strong(mine, then);
         mine = &task)
        pause(); // its label is being read
}

void pool_core::on_claimed_task_removed(shared_state_base& task) noexcept {
    if (task.external() == nullptr && !task.is_in_line())
        queue_.on_claimed_removed();
    worker* const w = current_worker;
    if (w != nullptr && w->top == &task)
        w->forget(task, nullptr);
}

// ---- The life of a worker -----------------------------------------------------------------------

void pool_core::work(worker& w) {
    FERRY_ASSERT(this_worker() == nullptr && &w.core == this);
    set_this_worker(&w);
    w.record.thread.store(thread_number());
    const scope_exit at_end([&] {
        set_this_worker(nullptr);
        ended(w);
    });

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
            r->run();   // from here on it may be gone
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
    if (queue_.may_have_items())
        after_push(nullptr);
}

// The next item; null when the worker is to end.
work_item* pool_core::next(worker& w) {
    scoped_lock lock(mutex_);
    FERRY_ASSERT(this_worker() == &w && w.top == nullptr);
    FERRY_ASSERT(w.current.load() == nullptr);
    for (;;) {
        if (workers_.is_above_limit() && !w.retired) {
            // Others stand in for it.
            w.current.store(worker::busy());
            workers_.retire(w);
            sleeper* const other = queue_.any() ? staffing_.wake_candidate() : nullptr;
            lock.unlock();
            if (other != nullptr)
                other->wake_up();
            return nullptr;
        }
        work_item* const r = queue_.take();
        if (r != nullptr) {
            ++w.items_since_sleep;
            const std::int64_t now = coarse_now();
            w.since.store(now, std::memory_order_relaxed);
            w.record.since.store(static_cast<std::uint64_t>(now), std::memory_order_relaxed);
            w.current.store(r->is_task() ? static_cast<shared_state_base*>(r) : worker::busy(),
                            std::memory_order_relaxed);
            fifo given_up;
            if (line_.is_bounded()) {
                if (r->is_task())
                    line_.leave_queue(static_cast<shared_state_base&>(*r));
                if (!line_.empty())
                    line_.advance(given_up);
            }
            const bool more = queue_.any();
            sleeper* const other =
                more && can_wake_or_start() ? staffing_.wake_candidate() : nullptr;
            const bool external = external_.has_to_pass_on();
            lock.unlock();
            after_line_moved(given_up, other, external);
            return r;
        }
        if (line_.is_bounded() && !line_.empty()) {
            // That it has nothing to do makes room where calls of strands wait for others.
            fifo given_up;
            line_.advance(given_up, true);
            if (queue_.has_ready() || external_.has_to_pass_on() || !given_up.empty()) {
                lock.unlock();
                after_line_moved(given_up, nullptr, true);
                lock.lock();
                continue;
            }
        }
        if (!closed() || !external_.is_done()) {
            if (!sleep(w, lock))
                return nullptr;
        } else if (!queue_.any()) {
            return nullptr;
        } else { // something is just being pushed
            lock.unlock();
            std::this_thread::yield();
            lock.lock();
        }
    }
}

bool pool_core::has_work() const noexcept { return queue_.may_have_items() || closed(); }

// Looks for more for a moment before it sleeps. Nobody is woken for what is pushed meanwhile.
void pool_core::spin_before_sleep(worker& w) noexcept {
    using clock = timeout::clock;
    const sleepers::spinning counted(sleepers_);
    if (const auto& spin = options_.spin) {
        if (*spin <= spin->zero())
            return;
        const auto end = timeout(*spin).deadline().value_or(clock::time_point::max());
        for (spin_wait pause; !has_work() && clock::now() < end;)
            pause();
        return;
    }
    switch (w.idle.decide({.on_submitters_processor = this_processor() == queue_.pushed_on(),
                           .items_since_sleep = w.items_since_sleep,
                           .found_last_time = w.spin_found_work})) {
    case idle_policy::action::sleep: break;
    case idle_policy::action::yield: w.yield(); break;
    case idle_policy::action::spin_short:
        for (int i = 0; i < idle_policy::short_looks && !has_work(); ++i)
            pause_briefly();
        break;
    case idle_policy::action::spin_long: {
        const auto start = clock::now();
        while (!has_work() && clock::now() - start < idle_policy::long_spin)
            pause_briefly();
        w.idle.spun_long(clock::now() - start);
        break;
    }
    }
}

// Sleeps until woken; false when it was idle for too long. Looks at the queue again before.
bool pool_core::sleep(worker& w, scoped_lock& lock) {
    mutex_.assert_held();
    FERRY_ASSERT(this_worker() == &w && w.available());
    if (!closed()) {
        lock.unlock();
        spin_before_sleep(w);
        lock.lock();
        w.spin_found_work = queue_.any();
        if (w.spin_found_work || closed())
            return true;
    }
    w.items_since_sleep = 0;
    sampler_.measure_again(coarse_now());
    if (!sleepers_.enlist(w, [this] { return queue_.any(); }))
        return true; // pushed meanwhile
    lock.unlock();
    arena_trim();
    sleepers_.wait(w, options_.idle_timeout.deadline());
    lock.lock();
    if (sleepers_.settle(w))
        return true;
    return !workers_.retire_unless(w, [this] { return queue_.any(); });
}

void pool_core::ended(worker& w) noexcept {
    FERRY_ASSERT(this_worker() == nullptr); // it runs no user code any more
    bool left = false;
    {
        scoped_lock lock(mutex_);
        ended_threads_.join(lock);
        labels_.retire(w.labels);
        if (!w.detached)
            ended_threads_.add(std::move(w.thread));
        workers_.remove(w);
        queue_.drain();
        left = queue_.has_ready();
        gone_.notify_all();
    }
    if (left) // it left work in the queue
        after_push(nullptr);
}

// ---- Its stack ----------------------------------------------------------------------------------

namespace {

thread_local const char* middle_of_stack = nullptr; // null where that is not known
thread_local std::size_t a_few_frames = 0;          // of that stack

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
    a_few_frames = std::min<std::size_t>(size / 16, 16384);
    ::pthread_attr_destroy(&attributes);
#endif
}

bool is_short_of_stack() noexcept {
    return middle_of_stack != nullptr &&
           static_cast<const char*>(__builtin_frame_address(0)) < middle_of_stack;
}

// Whoever refused to help was some frames deeper: where it was short of stack, this is, too. Else
// nobody would run what is waited for.
spare_worker::spare_worker() {
    worker* const w = current_worker;
    if (w != nullptr && middle_of_stack != nullptr &&
        static_cast<const char*>(__builtin_frame_address(0)) < middle_of_stack + a_few_frames) {
        w->core.staff().add_spare();
        owner_ = &w->core;
    }
}
spare_worker::~spare_worker() {
    if (owner_ != nullptr)
        static_cast<pool_core*>(owner_)->staff().remove_spare();
}

} // namespace ferry::detail
