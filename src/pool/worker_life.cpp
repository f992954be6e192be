// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include "worker_life.hpp"

#include <ferry/detail/assert.hpp>
#include <ferry/detail/scope_exit.hpp>
#include <ferry/detail/spin.hpp>
#include <ferry/detail/task.hpp>

#include <string>
#include <thread>

#include <pthread.h>

namespace ferry::detail {

void worker_life::run() {
    FERRY_ASSERT(this_worker() == nullptr && &me_.core == &core_);
    set_this_worker(&me_);
    me_.record.thread.store(thread_number());
    const scope_exit at_end([&] {
        set_this_worker(nullptr);
        end();
    });

    std::string number(1, '_');
    number += std::to_string(me_.number);
    const std::string name =
        pool_.options.thread_name_prefix.substr(0, 15 - number.size()) + number;
    pthread_setname_np(pthread_self(), name.c_str());

    note_stack();
    if (!initialise())
        return;
    me_.activity.end();
    loop();
    finalise();
}

void worker_life::finalise() {
    if (pool_.options.finalizer) {
        me_.activity.begin_finalizer(coarse_now());
        try {
            pool_.options.finalizer();
        } catch (...) {
            report_or_unwind();
        }
    }
    me_.activity.be_ending();
}

bool worker_life::initialise() noexcept {
    if (!pool_.options.initializer)
        return true;
    me_.activity.begin_initializer(coarse_now());
    std::string why;
    try {
        try {
            pool_.options.initializer();
            return true;
        } catch (const std::exception& e) {
            why = std::string("the thread pool's initializer failed: ") + e.what();
        } catch (...) {
            why = "the thread pool's initializer failed: it threw an exception not derived from "
                  "std::exception";
        }
    } catch (const std::bad_alloc&) { // then it is told without the reason
    }
    core_.shutdown().mark_broken(std::move(why));
    return false;
}

void worker_life::loop() {
    FERRY_ASSERT(this_worker() == &me_);
    while (work_item* r = next()) {
        me_.top = r;
        try {
            r->run();   // from here on it may be gone
        } catch (...) { // a function without a future
            report_or_terminate();
        }
        me_.top = nullptr;
        me_.activity.end();
    }
}

inline void worker_life::note_taken(work_item& r) noexcept {
    const std::int64_t now = coarse_now();
    me_.record.since.store(static_cast<std::uint64_t>(now), std::memory_order_relaxed);
    me_.activity.begin(r.is_task() ? static_cast<shared_state_base*>(&r) : nullptr, now);
}

// The next item; null when the worker is to end.
work_item* worker_life::next() {
    scoped_lock lock(pool_.mutex);
    FERRY_ASSERT(this_worker() == &me_ && me_.top == nullptr);
    FERRY_ASSERT(me_.activity.is_idle());
    for (;;) {
        if (pool_.workers.is_above_limit() && !me_.retired) {
            // Others stand in for it.
            pool_.end_looking(me_);
            pool_.workers.retire(me_);
            sleeper* const other = pool_.queue.any() ? core_.staff().wake_candidate() : nullptr;
            lock.unlock();
            if (other != nullptr)
                other->wake_up();
            return nullptr;
        }
        work_item* const r = pool_.queue.take();
        if (r != nullptr) {
            note_taken(*r);
            pool_.end_looking(me_); // before it looks whether there is more
            fifo given_up;
            if (pool_.line.is_bounded()) {
                if (r->is_task())
                    pool_.line.leave_queue(static_cast<shared_state_base&>(*r));
                if (!pool_.line.empty())
                    pool_.line.advance(given_up);
            }
            const bool more = pool_.queue.any();
            sleeper* const other =
                more && can_somebody_help() ? core_.staff().wake_candidate() : nullptr;
            const bool external = pool_.external.has_to_pass_on();
            lock.unlock();
            core_.line_entry().after_line_moved(given_up, other, external);
            return r;
        }
        if (pool_.line.is_bounded()) {
            pool_.end_looking(me_); // what is let in or given up may run code of the user
            if (makes_room(lock))
                continue;
        }
        if (!pool_.closed.load() || !pool_.external.is_done()) {
            if (!sleep(lock))
                return nullptr;
        } else if (pool_.end_looking(me_); !pool_.queue.any()) {
            return nullptr;
        } else { // something is just being pushed
            lock.unlock();
            std::this_thread::yield();
            lock.lock();
        }
    }
}

// That a worker has nothing to do makes room where calls of strands wait for others. True where
// something was let in, and the lock was let go of.
bool worker_life::makes_room(scoped_lock& lock) {
    pool_.mutex.assert_held();
    if (!pool_.line.is_bounded() || pool_.line.empty())
        return false;
    fifo given_up;
    pool_.line.advance(given_up, true);
    if (!pool_.queue.has_ready() && !pool_.external.has_to_pass_on() && given_up.empty())
        return false;
    lock.unlock();
    core_.line_entry().after_line_moved(given_up, nullptr, true);
    lock.lock();
    return true;
}

// Looks for more for a moment before it sleeps. Nobody is woken for what is pushed meanwhile.
void worker_life::look_before_sleep() noexcept {
    pool_.begin_to_look(me_);
    spin_before_sleep();
    pool_.end_looking(me_);
}

void worker_life::spin_before_sleep() noexcept {
    using clock = timeout::clock;
    if (const auto& spin = pool_.options.spin) {
        if (*spin <= spin->zero())
            return;
        const auto end = timeout(*spin).deadline().value_or(clock::time_point::max());
        for (spin_wait pause; !has_work() && clock::now() < end;)
            pause();
        return;
    }
    const idle_policy::decision next =
        me_.idle.decide({.on_submitters_processor = this_processor() == pool_.queue.pushed_on(),
                         .wake_up = wake_up_estimate::shared().get()});
    switch (next.what) {
    case idle_policy::action::sleep: break;
    case idle_policy::action::yield: me_.yield(); break;
    case idle_policy::action::look:
        me_.idle.looked(look_for(next.time, [this] { return has_work(); }));
        break;
    }
}

// Sleeps until woken; false when it was idle for too long. Looks at the queue again before.
bool worker_life::sleep(scoped_lock& lock) {
    pool_.mutex.assert_held();
    FERRY_ASSERT(this_worker() == &me_ && me_.activity.is_available());
    if (!pool_.closed.load()) {
        lock.unlock();
        look_before_sleep();
        lock.lock();
        if (pool_.queue.any() || pool_.closed.load())
            return true;
        if (makes_room(lock)) // what was done meanwhile did not count this worker as free
            return true;
    } else {
        pool_.end_looking(me_);
    }
    FERRY_ASSERT(!me_.looks);
    pool_.record.on_idle(coarse_now());
    if (!pool_.sleeping.enlist(me_, [this] { return pool_.queue.any(); }))
        return true; // pushed meanwhile
    lock.unlock();
    pool_.sleeping.wait(me_, pool_.options.idle_timeout.deadline());
    lock.lock();
    if (pool_.sleeping.settle(me_))
        return true;
    return !pool_.workers.retire_unless(me_, [this] { return pool_.queue.any(); });
}

void worker_life::end() noexcept {
    FERRY_ASSERT(this_worker() == nullptr); // it runs no user code any more
    pool_.end_looking(me_);                 // where a task has ended the thread
    bool left = false;
    {
        scoped_lock lock(pool_.mutex);
        core_.shutdown().threads().join(lock);
        pool_.record.labels().retire(me_.labels);
        if (!me_.detached)
            core_.shutdown().threads().add(std::move(me_.thread));
        pool_.workers.remove(me_);
        pool_.queue.drain();
        left = pool_.queue.has_ready();
        core_.shutdown().notify();
    }
    if (left) // it left work in the queue
        core_.staff().after_push(nullptr);
}

} // namespace ferry::detail
