// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include "worker_life.hpp"

#include <ferry/detail/assert.hpp>
#include <ferry/detail/memory.hpp>
#include <ferry/detail/scope_exit.hpp>
#include <ferry/detail/spin.hpp>
#include <ferry/detail/task.hpp>

#include <string>
#include <thread>

#include <pthread.h>

namespace ferry::detail {

void worker_life::run() {
    FERRY_ASSERT(this_worker() == nullptr && &me_.core == &pool_);
    set_this_worker(&me_);
    me_.record.thread.store(thread_number());
    const scope_exit at_end([&] {
        set_this_worker(nullptr);
        end();
    });

    std::string number(1, '_');
    number += std::to_string(me_.number);
    const std::string name =
        pool_.options_.thread_name_prefix.substr(0, 15 - number.size()) + number;
    pthread_setname_np(pthread_self(), name.c_str());

    note_stack();
    if (!initialise())
        return;
    me_.current.store(nullptr);
    loop();
    finalise();
}

void worker_life::finalise() {
    if (!pool_.options_.finalizer)
        return;
    me_.since.store(coarse_now());
    me_.current.store(worker::busy());
    try {
        pool_.options_.finalizer();
    } catch (...) {
        report_or_unwind();
    }
}

bool worker_life::initialise() noexcept {
    if (!pool_.options_.initializer)
        return true;
    me_.since.store(coarse_now());
    std::string why;
    try {
        try {
            pool_.options_.initializer();
            return true;
        } catch (const std::exception& e) {
            why = std::string("the thread pool's initializer failed: ") + e.what();
        } catch (...) {
            why = "the thread pool's initializer failed: it threw an exception not derived from "
                  "std::exception";
        }
    } catch (const std::bad_alloc&) { // then it is told without the reason
    }
    pool_.shutdown_.mark_broken(std::move(why));
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
        if (me_.current.load(std::memory_order_relaxed) != nullptr) {
            if (me_.destroys.load(std::memory_order_relaxed) != nullptr)
                me_.destroys.store(nullptr);
            me_.current.store(nullptr);
        }
    }
}

inline void worker_life::note_taken(work_item& r) noexcept {
    const std::int64_t now = coarse_now();
    me_.since.store(now, std::memory_order_relaxed);
    me_.record.since.store(static_cast<std::uint64_t>(now), std::memory_order_relaxed);
    me_.current.store(r.is_task() ? static_cast<shared_state_base*>(&r) : worker::busy(),
                      std::memory_order_relaxed);
}

// The next item; null when the worker is to end.
work_item* worker_life::next() {
    scoped_lock lock(pool_.mutex_);
    FERRY_ASSERT(this_worker() == &me_ && me_.top == nullptr);
    FERRY_ASSERT(me_.current.load() == nullptr);
    for (;;) {
        if (pool_.workers_.is_above_limit() && !me_.retired) {
            // Others stand in for it.
            me_.current.store(worker::busy());
            pool_.end_looking(me_);
            pool_.workers_.retire(me_);
            sleeper* const other = pool_.queue_.any() ? pool_.staffing_.wake_candidate() : nullptr;
            lock.unlock();
            if (other != nullptr)
                other->wake_up();
            return nullptr;
        }
        work_item* const r = pool_.queue_.take();
        if (r != nullptr) {
            note_taken(*r);
            pool_.end_looking(me_); // before it looks whether there is more
            fifo given_up;
            if (pool_.line_.is_bounded()) {
                if (r->is_task())
                    pool_.line_.leave_queue(static_cast<shared_state_base&>(*r));
                if (!pool_.line_.empty())
                    pool_.line_.advance(given_up);
            }
            const bool more = pool_.queue_.any();
            sleeper* const other =
                more && can_somebody_help() ? pool_.staffing_.wake_candidate() : nullptr;
            const bool external = pool_.external_.has_to_pass_on();
            lock.unlock();
            pool_.entry_.after_line_moved(given_up, other, external);
            return r;
        }
        if (pool_.line_.is_bounded()) {
            pool_.end_looking(me_); // what is let in or given up may run code of the user
            if (makes_room(lock))
                continue;
        }
        if (!pool_.closed() || !pool_.external_.is_done()) {
            if (!sleep(lock))
                return nullptr;
        } else if (pool_.end_looking(me_); !pool_.queue_.any()) {
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
    pool_.mutex_.assert_held();
    if (!pool_.line_.is_bounded() || pool_.line_.empty())
        return false;
    fifo given_up;
    pool_.line_.advance(given_up, true);
    if (!pool_.queue_.has_ready() && !pool_.external_.has_to_pass_on() && given_up.empty())
        return false;
    lock.unlock();
    pool_.entry_.after_line_moved(given_up, nullptr, true);
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
    if (const auto& spin = pool_.options_.spin) {
        if (*spin <= spin->zero())
            return;
        const auto end = timeout(*spin).deadline().value_or(clock::time_point::max());
        for (spin_wait pause; !has_work() && clock::now() < end;)
            pause();
        return;
    }
    const idle_policy::decision next =
        me_.idle.decide({.on_submitters_processor = this_processor() == pool_.queue_.pushed_on(),
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
    pool_.mutex_.assert_held();
    FERRY_ASSERT(this_worker() == &me_ && me_.available());
    if (!pool_.closed()) {
        lock.unlock();
        look_before_sleep();
        lock.lock();
        if (pool_.queue_.any() || pool_.closed())
            return true;
        if (makes_room(lock)) // what was done meanwhile did not count this worker as free
            return true;
    } else {
        pool_.end_looking(me_);
    }
    FERRY_ASSERT(!me_.looks);
    pool_.record_.on_idle(coarse_now());
    if (!pool_.sleepers_.enlist(me_, [this] { return pool_.queue_.any(); }))
        return true; // pushed meanwhile
    lock.unlock();
    arena_trim();
    pool_.sleepers_.wait(me_, pool_.options_.idle_timeout.deadline());
    lock.lock();
    if (pool_.sleepers_.settle(me_))
        return true;
    return !pool_.workers_.retire_unless(me_, [this] { return pool_.queue_.any(); });
}

void worker_life::end() noexcept {
    FERRY_ASSERT(this_worker() == nullptr); // it runs no user code any more
    pool_.end_looking(me_);                 // where a task has ended the thread
    bool left = false;
    {
        scoped_lock lock(pool_.mutex_);
        pool_.shutdown_.threads().join(lock);
        pool_.record_.labels().retire(me_.labels);
        if (!me_.detached)
            pool_.shutdown_.threads().add(std::move(me_.thread));
        pool_.workers_.remove(me_);
        pool_.queue_.drain();
        left = pool_.queue_.has_ready();
        pool_.shutdown_.notify();
    }
    if (left) // it left work in the queue
        pool_.after_push(nullptr);
}

} // namespace ferry::detail
