// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include <ferry/detail/timer_queue.hpp>

#include <ferry/detail/adaptive_mutex.hpp>
#include <ferry/detail/assert.hpp>

#include "expiry_threads.hpp"

#include <boost/intrusive/set.hpp>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <memory>
#include <thread>

#include <pthread.h>

namespace ferry::detail {

/// Invariant: while `timers_` holds anything, a thread waits for the first of them. The object
/// outlives every static pool, and so does its thread.
class timer_queue {
public:
    explicit timer_queue(const timer_queue* parents) : parents_(parents) {}

    static timer_queue& instance() {
        timer_queue* q = current.load(std::memory_order_acquire);
        if (q == nullptr) {
            auto fresh = std::make_unique<timer_queue>(nullptr);
            if (current.compare_exchange_strong(q, fresh.get(), std::memory_order_acq_rel))
                q = fresh.release();
        }
        return *q;
    }
    /// In a child of fork(): the thread is not there, and the mutex may be locked forever.
    static void start_anew() {
        if (const timer_queue* q = current.load())
            current.store(new timer_queue(q));
    }

    void start() FERRY_EXCLUDES(mutex_) {
        if (started_.load(std::memory_order_acquire))
            return;
        prepare_expiry_threads();
        const scoped_lock lock(mutex_);
        if (!started_.load(std::memory_order_relaxed)) {
            std::thread([this] { run(); }).detach();
            started_.store(true, std::memory_order_release);
        }
    }

    void arm(shared_state_base& state, timeout::clock::time_point at,
             timer_purpose purpose) noexcept FERRY_EXCLUDES(mutex_) {
        FERRY_ASSERT(state.extra != nullptr);
        auto& t = state.extra->timer;
        const scoped_lock lock(mutex_);
        FERRY_ASSERT(t.queue != this || !t.hook.is_linked()); // one timer at a time
        intrusive_ptr_add_ref(&state);
        t.at = at;
        t.state = &state;
        t.queue = this;
        t.purpose = purpose;
        const auto place = timers_.insert(t);
        if (place == timers_.begin())
            changed_.notify_one();
    }

    bool disarm(shared_state_base& state) noexcept FERRY_EXCLUDES(mutex_) {
        auto& t = state.extra->timer;
        {
            const scoped_lock lock(mutex_);
            // A child of fork() may still hold what its parent's queue held.
            if (t.queue != this || !t.hook.is_linked())
                return false;
            timers_.erase(timers_.iterator_to(t));
        }
        intrusive_ptr_release(&state);
        return true;
    }

private:
    using timer = struct task_extra::timer;
    struct earlier {
        bool operator()(const timer& a, const timer& b) const noexcept { return a.at < b.at; }
    };
    // Those of one time stand in the order of their arming.
    using timers = boost::intrusive::multiset<
        timer,
        boost::intrusive::member_hook<timer, boost::intrusive::set_member_hook<>, &timer::hook>,
        boost::intrusive::compare<earlier>>;

    [[noreturn]] void run() FERRY_EXCLUDES(mutex_) {
        pthread_setname_np(pthread_self(), "ferry-timer"); // else that of the thread that began it
        scoped_lock lock(mutex_);
        for (;;) {
            lock.unlock();
            std::optional<timeout::clock::time_point> next = relieve_expiry_threads();
            lock.lock();
            if (!timers_.empty()) {
                const auto at = timers_.begin()->at;
                if (at <= timeout::clock::now()) {
                    timer& due = *timers_.begin();
                    timers_.erase(timers_.begin());
                    lock.unlock();
                    fire(*due.state, due.purpose);
                    lock.lock();
                    continue;
                }
                next = std::min(next.value_or(at), at);
            }
            if (next)
                changed_.wait_until(lock, *next);
            else
                changed_.wait(lock);
        }
    }

    // Ends the timer's reference. The last one is not ended here: that would destroy what is the
    // user's.
    static void fire(shared_state_base& state, timer_purpose purpose) noexcept {
        FERRY_ASSERT(state.references() != 0); // the timer's
        auto& expiry = state.extra->expiry;
        const std::shared_ptr<task_owner>& owner = state.extra->owner;
        if (owner != nullptr)
            owner->on_expiry_started(*state.extra); // before anybody can see the outcome
        expiry.claimed = state.on_timer(purpose);
        if (expiry.claimed) {
            run_expired(state);
            return;
        }
        if (owner != nullptr)
            owner->on_expiry_finished(*state.extra);
        if (!state.drop_reference_unless_last())
            run_expired(state);
    }

    static constinit std::atomic<timer_queue*> current; // of this process

    [[maybe_unused]] const timer_queue* const parents_; // keeps in reach what a fork copied
    adaptive_mutex mutex_;
    std::condition_variable_any changed_;
    timers timers_ FERRY_GUARDED_BY(mutex_);
    std::atomic<bool> started_{false};
};

constinit std::atomic<timer_queue*> timer_queue::current{nullptr};

namespace {
[[maybe_unused]] const int at_fork = ::pthread_atfork(nullptr, nullptr, timer_queue::start_anew);
} // namespace

void start_timers() { timer_queue::instance().start(); }
void arm_timer(shared_state_base& state, timeout::clock::time_point at,
               timer_purpose purpose) noexcept {
    timer_queue::instance().arm(state, at, purpose);
}
bool disarm_timer(shared_state_base& state) noexcept {
    return timer_queue::instance().disarm(state);
}

} // namespace ferry::detail
