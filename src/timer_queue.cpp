// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include <ferry/detail/timer_queue.hpp>

#include <ferry/detail/task.hpp>

#include <atomic>
#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <thread>

#include <pthread.h>

namespace ferry::detail {
namespace {

/// Invariant: while `timers_` holds anything, a thread waits for the first of them. The object
/// outlives every static pool, and so does its thread.
class timer_queue {
public:
    explicit timer_queue(const timer_queue* parents) noexcept : parents_(parents) {}

    static timer_queue& instance() {
        timer_queue* q = current.load(std::memory_order_acquire);
        if (q == nullptr) {
            auto fresh = std::make_unique<timer_queue>(nullptr);
            if (current.compare_exchange_strong(q, fresh.get(), std::memory_order_acq_rel))
                q = fresh.release();
        }
        return *q;
    }
    /// In a child of fork(): the thread is not there, and the mutex may be locked for ever.
    static void start_anew() {
        if (const timer_queue* q = current.load())
            current.store(new timer_queue(q));
    }

    void arm(shared_state_base& state, timeout::clock::time_point at, timer_purpose purpose) {
        const std::lock_guard lock(mutex_);
        if (!started_) {
            std::thread([this] { run(); }).detach();
            started_ = true;
        }
        const key k{at, ++last_};
        timers_.emplace(k, timer{&state, purpose});
        state.extra->timer = k;
        if (timers_.begin()->first == k)
            changed_.notify_one();
    }

    bool disarm(shared_state_base& state) noexcept {
        boost::intrusive_ptr<shared_state_base> released; // after the lock
        const std::lock_guard lock(mutex_);
        const auto it = timers_.find(state.extra->timer);
        if (it == timers_.end())
            return false;
        released = std::move(it->second.state);
        timers_.erase(it);
        return true;
    }

private:
    using key = task_extra::timer_key;
    struct timer {
        boost::intrusive_ptr<shared_state_base> state;
        timer_purpose purpose{};
    };

    [[noreturn]] void run() {
        pthread_setname_np(pthread_self(), "ferry-timer"); // else that of the thread that began it
        std::unique_lock lock(mutex_);
        for (;;) {
            if (timers_.empty()) {
                changed_.wait(lock);
                continue;
            }
            const auto first = timers_.begin();
            if (const auto at = first->first.first; timeout::clock::now() < at) {
                changed_.wait_until(lock, at);
                continue;
            }
            timer due = std::move(first->second);
            timers_.erase(first);
            lock.unlock();
            due.state->on_timer(due.purpose);
            due = {};
            lock.lock();
        }
    }

    static constinit std::atomic<timer_queue*> current; // of this process

    [[maybe_unused]] const timer_queue* const parents_; // keeps in reach what a fork copied
    std::mutex mutex_; // guards what follows
    std::condition_variable changed_;
    std::map<key, timer> timers_;
    std::uint64_t last_ = 0;
    bool started_ = false;
};

constinit std::atomic<timer_queue*> timer_queue::current{nullptr};

[[maybe_unused]] const int at_fork = ::pthread_atfork(nullptr, nullptr, timer_queue::start_anew);

} // namespace

void arm_timer(shared_state_base& state, timeout::clock::time_point at, timer_purpose purpose) {
    timer_queue::instance().arm(state, at, purpose);
}
bool disarm_timer(shared_state_base& state) noexcept {
    return timer_queue::instance().disarm(state);
}

} // namespace ferry::detail
