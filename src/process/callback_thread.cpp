// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include "callback_thread.hpp"

#include <utility>

namespace ferry::detail {
namespace {

thread_local const callback_thread* this_callback_thread = nullptr;

} // namespace

void callback_thread::post(std::function<void()> job, std::shared_ptr<void> keep) {
    {
        const std::lock_guard lock(mutex_);
        if (!finished_) {
            if (!started_) {
                const signals_blocked quiet;
                thread_ = std::thread([this, kept = std::move(keep)]() mutable {
                    run();
                    kept.reset();
                });
                started_ = true;
            }
            jobs_.push_back(std::move(job));
            changed_.notify_all();
            return;
        }
    }
    job();
}

void callback_thread::run() {
    this_callback_thread = this;
    std::unique_lock lock(mutex_);
    for (;;) {
        changed_.wait(lock, [this] { return !jobs_.empty() || finished_; });
        if (jobs_.empty())
            break;
        auto job = std::move(jobs_.front());
        jobs_.pop_front();
        lock.unlock();
        job();
        job = nullptr;
        lock.lock();
    }
    ended_ = true;
    changed_.notify_all();
}

void callback_thread::finish() {
    std::thread joined;
    {
        std::unique_lock lock(mutex_);
        finished_ = true;
        changed_.notify_all();
        if (!started_)
            return;
        if (is_this_thread()) {
            if (thread_.joinable())
                thread_.detach();
            return;
        }
        changed_.wait(lock, [this] { return ended_; });
        joined.swap(thread_);
    }
    if (joined.joinable())
        joined.join();
}

bool callback_thread::is_this_thread() const noexcept { return this_callback_thread == this; }

signals_blocked::signals_blocked() noexcept {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before_);
}
signals_blocked::~signals_blocked() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

} // namespace ferry::detail
