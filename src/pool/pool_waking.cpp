// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include "pool_core.hpp"

#include <ferry/detail/assert.hpp>
#include <ferry/detail/memory.hpp>
#include <ferry/detail/spin.hpp>

#include <algorithm>
#include <system_error>

// When threads of a pool are started, when they sleep, and who is woken.

namespace ferry::detail {

// Sees to it that somebody takes what was pushed. `undo`, where given, is taken back when there is
// no thread and none can be started.
void pool_core::call_worker(work_item* undo) {
    if (!workers_.is_below_limit()) {
        if (sleepers_.count() != 0)
            sleepers_.wake_one();
        return;
    }
    sleeper* w = nullptr;
    {
        const scoped_lock lock(mutex_);
        try {
            w = wake_or_grow();
        } catch (const std::exception&) {
            if (undo == nullptr)
                return; // it stays queued for the next thread that can be started
            if (!queue_.revoke(*undo))
                return;
            throw;
        }
    }
    if (w != nullptr)
        w->wake_up();
}

// After a push: the worker to wake, which the caller does without the lock; or starts one.
sleeper* pool_core::wake_or_grow() {
    mutex_.assert_held();
    if (workers_.room() != 0) {
        const std::size_t waiting = queue_.live_items();
        if (waiting == 0)
            return nullptr;
        if (sleepers_.count() < waiting && !workers_.has_available(waiting))
            start_thread();
    }
    return sleepers_.pop_unless_waking();
}

void pool_core::start_first_thread() {
    const scoped_lock lock(mutex_);
    const bool needed = !closed() || !external_.is_done() || queue_.any();
    if (workers_.empty() && needed)
        start_thread();
}

// False where none can be started but others are there; throws where there is none.
bool pool_core::start_thread() {
    mutex_.assert_held();
    return workers_.start(
        options_.stack_size,
        [this](std::size_t number) {
            mutex_.assert_held();
            ended_threads_.make_room(workers_.size_with_retired() + 1);
            auto w = std::make_unique<worker>(*this, labels_, record_number_, number);
            if (options_.initializer)
                w->current.store(worker::starting());
            return w;
        },
        [self = shared_from_this()](worker& w) { self->work(w); });
}

void pool_core::start_if_starving() noexcept {
    if (workers_.count() != 0 || !queue_.may_have_items())
        return;
    try {
        start_first_thread();
    } catch (const std::exception&) {
        retry_later();
    }
}

void pool_core::add_spare() {
    sleeper* w = nullptr;
    {
        const scoped_lock lock(mutex_);
        workers_.raise_limit();
        w = sleepers_.pop();
        if (w == nullptr && !start_thread()) {
            workers_.lower_limit();
            throw would_deadlock(
                "a task of the thread pool waits so deep inside others that its stack "
                "is short, and no other thread can be started for what it waits for");
        }
    }
    if (w != nullptr)
        w->wake_up();
}

void pool_core::remove_spare() noexcept {
    sleeper* w = nullptr;
    {
        const scoped_lock lock(mutex_);
        workers_.lower_limit();
        w = sleepers_.pop(); // it may be the one too many
    }
    if (w != nullptr)
        w->wake_up();
}

// There is more in the queue than this worker takes: somebody else to wake, or null.
sleeper* pool_core::wake_candidate() noexcept {
    mutex_.assert_held();
    if (sleepers_.somebody_spins())
        return nullptr; // it looks at the queue
    try {
        return wake_or_grow();
    } catch (const std::exception&) {
        return nullptr; // the workers that there are do it
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

} // namespace ferry::detail
