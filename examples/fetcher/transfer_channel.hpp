// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include "job.hpp"

#include <curl/curl.h>

#include <atomic>
#include <cstddef>
#include <functional>
#include <memory>
#include <mutex>
#include <vector>

namespace fetcher {

/// How many more transfers may be under way, over all workers. A worker that has jobs in reserve
/// goes on with the next one as soon as one is done, without asking the event loop. Thread safety:
/// safe.
class slot_count {
public:
    /// Before the workers start.
    void set(std::size_t slots) noexcept {
        all_ = slots;
        free_ = slots;
    }
    std::size_t all() const noexcept { return all_; }

    std::size_t taken() const noexcept { return all_ - free_.load(); }
    bool any_free() const noexcept { return free_.load() > 0; }

    /// False when there is none.
    bool try_take() noexcept {
        std::size_t free = free_.load();
        while (free > 0)
            if (free_.compare_exchange_weak(free, free - 1))
                return true;
        return false;
    }
    void give_back() noexcept { ++free_; }

private:
    std::size_t all_ = 0;
    std::atomic<std::size_t> free_{0};
};

/// Jobs that workers are done with, on their way back. `wake` is called by a worker when there is
/// something to take where there was nothing before.
/// Thread safety: safe.
class result_inbox {
public:
    explicit result_inbox(std::function<void()> wake) : wake_(std::move(wake)) {}

    void put(std::vector<job_ptr>& done);
    std::vector<job_ptr> take();

private:
    const std::function<void()> wake_;
    std::mutex mutex_;
    std::vector<job_ptr> done_; // guarded by mutex_
};

/// What a worker that is inside `transfer_many` hears from the event loop: jobs, and when to stop.
/// Thread safety: safe.
class transfer_channel {
public:
    /// Throws `std::runtime_error`.
    transfer_channel();

    /// Hands over all of them. Never blocks.
    void put(std::vector<job_ptr>& more);
    /// There may be a free slot for a job in reserve.
    void nudge();
    /// That transfer, which may have ended, had paused and can go on.
    void resume(CURL* handle);
    /// The worker gives back what it has in reserve, `cancelled`, and starts nothing more.
    void drain();
    /// Nothing more will come: the worker returns when all that it has is done.
    void finish();
    /// The worker gives everything back, `cancelled`, and returns.
    void abort();

    struct orders {
        std::vector<job_ptr> jobs;
        std::vector<CURL*> resumed;
        bool drain = false;
        bool finish = false;
        bool abort = false;
    };
    /// For the worker: what came since the last time.
    orders take();
    /// For the worker: says that it is about to wait, so that what comes wakes it. False, and then
    /// it must not, when something came.
    bool try_sleep();
    CURLM* multi() const noexcept { return multi_.get(); }

private:
    void wake();

    const std::unique_ptr<CURLM, CURLMcode (*)(CURLM*)> multi_;
    std::mutex mutex_;
    orders orders_;       // guarded by mutex_
    bool news_ = false;   // guarded by mutex_: orders_ changed since take()
    bool asleep_ = false; // guarded by mutex_
};

} // namespace fetcher
