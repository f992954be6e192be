// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include "expiry_threads.hpp"

#include <ferry/detail/adaptive_mutex.hpp>
#include <ferry/detail/assert.hpp>

#include <condition_variable>
#include <memory>
#include <thread>

#include <pthread.h>

namespace ferry::detail {
namespace {

constexpr auto patience = std::chrono::milliseconds(10);
constexpr auto idle_time = std::chrono::seconds(2);

thread_local const task_owner* current_owner = nullptr;

/// Invariant: what waits is taken by one of `threads_`, or `relieve` is asked again.
class expiry_threads {
public:
    explicit expiry_threads(const expiry_threads* parents) : parents_(parents) {}

    static void create() {
        if (current.load(std::memory_order_acquire) != nullptr)
            return;
        auto fresh = std::make_unique<expiry_threads>(nullptr);
        expiry_threads* none = nullptr;
        if (current.compare_exchange_strong(none, fresh.get(), std::memory_order_acq_rel))
            static_cast<void>(fresh.release());
    }
    static expiry_threads* instance() noexcept { return current.load(std::memory_order_acquire); }
    /// In a child of fork(): the threads are not there, and the mutex may be locked forever.
    static void start_anew() {
        if (const expiry_threads* parents = current.load())
            current.store(new expiry_threads(parents));
    }

    void push(shared_state_base& s) noexcept FERRY_EXCLUDES(mutex_) {
        FERRY_ASSERT(s.extra != nullptr && s.references() != 0);
        const scoped_lock lock(mutex_);
        s.extra->expiry.next = nullptr;
        if (first_ == nullptr) {
            first_ = &s;
            waiting_since_ = timeout::clock::now();
        } else {
            last_->extra->expiry.next = &s;
        }
        last_ = &s;
        if (idle_ != 0)
            work_.notify_one();
        else if (threads_ == 0)
            start_thread();
    }

    std::optional<timeout::clock::time_point> relieve() noexcept FERRY_EXCLUDES(mutex_) {
        const scoped_lock lock(mutex_);
        if (first_ == nullptr)
            return std::nullopt;
        const auto now = timeout::clock::now();
        if (now >= waiting_since_ + patience) {
            if (idle_ == 0)
                start_thread();
            waiting_since_ = now;
        }
        return waiting_since_ + patience;
    }

private:
    void start_thread() noexcept FERRY_REQUIRES(mutex_) {
        ++threads_;
        try {
            std::thread([this] { run(); }).detach();
        } catch (const std::exception&) { // a shortage: `relieve` tries again
            --threads_;
        }
    }

    void run() FERRY_EXCLUDES(mutex_) {
        pthread_setname_np(pthread_self(), "ferry-expiry");
        scoped_lock lock(mutex_);
        for (;;) {
            ++idle_;
            const auto end = timeout::clock::now() + idle_time;
            while (first_ == nullptr && work_.wait_until(lock, end) == std::cv_status::no_timeout) {
            }
            --idle_;
            if (first_ == nullptr)
                break;
            shared_state_base* const s = first_;
            first_ = s->extra->expiry.next;
            waiting_since_ = timeout::clock::now();
            lock.unlock();
            serve(*s);
            lock.lock();
        }
        FERRY_ASSERT(threads_ != 0);
        --threads_;
    }

    static void serve(shared_state_base& s) noexcept {
        const boost::intrusive_ptr<shared_state_base> state(&s, false);
        if (!s.extra->expiry.claimed)
            return;
        FERRY_ASSERT(current_owner == nullptr);
        const std::shared_ptr<task_owner> owner = s.extra->owner;
        current_owner = owner.get();
        try {
            s.expired();
        } catch (...) {
            report_unhandled(std::current_exception());
        }
        current_owner = nullptr;
        if (owner != nullptr)
            owner->on_expiry_finished(*s.extra);
    }

    // Of this process; never destroyed, because timers go on until the process has ended.
    static constinit std::atomic<expiry_threads*> current;

    [[maybe_unused]] const expiry_threads* const parents_; // keeps in reach what a fork copied
    adaptive_mutex mutex_;
    std::condition_variable_any work_;
    shared_state_base* first_ FERRY_GUARDED_BY(mutex_) = nullptr;
    shared_state_base* last_ FERRY_GUARDED_BY(mutex_) = nullptr;
    timeout::clock::time_point waiting_since_ FERRY_GUARDED_BY(mutex_){};
    std::size_t threads_ FERRY_GUARDED_BY(mutex_) = 0;
    std::size_t idle_ FERRY_GUARDED_BY(mutex_) = 0;
};

constinit std::atomic<expiry_threads*> expiry_threads::current{nullptr};

[[maybe_unused]] const int at_fork = ::pthread_atfork(nullptr, nullptr, expiry_threads::start_anew);

} // namespace

void prepare_expiry_threads() { expiry_threads::create(); }
void run_expired(shared_state_base& state) noexcept { expiry_threads::instance()->push(state); }
std::optional<timeout::clock::time_point> relieve_expiry_threads() noexcept {
    return expiry_threads::instance()->relieve();
}
const task_owner* expiring_owner() noexcept { return current_owner; }

} // namespace ferry::detail
