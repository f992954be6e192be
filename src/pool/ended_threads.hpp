// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include "support/os_thread.hpp"

#include <ferry/detail/adaptive_mutex.hpp>
#include <ferry/detail/assert.hpp>

#include <algorithm>
#include <cstddef>
#include <utility>
#include <vector>

namespace ferry::detail {

/// The threads of a pool that have ended, or are about to, and are to be joined. Each function is
/// called under the pool's lock.
class ended_threads {
public:
    explicit ended_threads(adaptive_mutex& lock) noexcept : mutex_(lock) {}
    ended_threads(const ended_threads&) = delete;
    ended_threads& operator=(const ended_threads&) = delete;

    /// So many threads may end from now on. Errors: `std::bad_alloc`.
    void make_room(std::size_t threads) {
        mutex_.assert_held();
        const std::size_t size = to_join_.size() + threads;
        if (to_join_.capacity() < size)
            to_join_.reserve(std::max(size, 2 * to_join_.capacity()));
    }
    /// There has to be room.
    void add(os_thread t) noexcept {
        mutex_.assert_held();
        FERRY_ASSERT(to_join_.size() < to_join_.capacity());
        to_join_.push_back(std::move(t));
    }
    /// Joins all of them, without the lock meanwhile. True where that was the last that others may
    /// wait for.
    bool join(scoped_lock& lock) noexcept FERRY_UNCHECKED {
        mutex_.assert_held();
        bool last = false;
        while (!to_join_.empty()) {
            os_thread ended = std::move(to_join_.back());
            to_join_.pop_back();
            ++joining_;
            lock.unlock();
            ended.join();
            lock.lock();
            last = --joining_ == 0;
        }
        return last;
    }
    /// Whether there are some that nobody joins yet.
    bool any() const noexcept {
        mutex_.assert_held();
        return !to_join_.empty();
    }
    bool are_joined() const noexcept {
        mutex_.assert_held();
        return to_join_.empty() && joining_ == 0;
    }

private:
    adaptive_mutex& mutex_;
    std::vector<os_thread> to_join_ FERRY_GUARDED_BY(mutex_);
    std::size_t joining_ FERRY_GUARDED_BY(mutex_) = 0; // those that somebody is just joining
};

} // namespace ferry::detail
