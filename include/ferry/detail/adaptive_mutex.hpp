// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <ferry/detail/thread_annotations.hpp>

#include <atomic>
#include <cstdint>

namespace ferry::detail {

/// A mutex for a few instructions at a time: it spins a little before it sleeps. Taking it and
/// letting go is one atomic operation each where nobody else wants it.
///
/// `state_` is `contended` while somebody may sleep. The release in `unlock` pairs with the acquires
/// in `lock` and `lock_slowly`. `unlock` touches nothing after its exchange, so that who comes next
/// may destroy the mutex.
class FERRY_ANNOTATION(capability("mutex")) adaptive_mutex {
public:
    adaptive_mutex() = default;
    adaptive_mutex(const adaptive_mutex&) = delete;
    adaptive_mutex& operator=(const adaptive_mutex&) = delete;

    void lock() noexcept FERRY_ANNOTATION(acquire_capability()) {
        std::uint32_t expected = unlocked;
        if (!state_.compare_exchange_strong(expected, locked, std::memory_order_acquire,
                                            std::memory_order_relaxed))
            lock_slowly();
    }
    void unlock() noexcept FERRY_ANNOTATION(release_capability()) {
        if (state_.exchange(unlocked, std::memory_order_release) == contended)
            wake_one();
    }

private:
    static constexpr std::uint32_t unlocked = 0, locked = 1, contended = 2;

    void lock_slowly() noexcept;
    void wake_one() noexcept;

    std::atomic<std::uint32_t> state_{unlocked};
};

/// Holds an adaptive_mutex; can let go of it and take it again.
class FERRY_ANNOTATION(scoped_lockable) scoped_lock {
public:
    explicit scoped_lock(adaptive_mutex& m) FERRY_ANNOTATION(acquire_capability(m)) : mutex_(m) {
        mutex_.lock();
    }
    ~scoped_lock() FERRY_ANNOTATION(release_capability()) {
        if (held_)
            mutex_.unlock();
    }
    scoped_lock(const scoped_lock&) = delete;
    scoped_lock& operator=(const scoped_lock&) = delete;

    void lock() FERRY_ANNOTATION(acquire_capability()) {
        mutex_.lock();
        held_ = true;
    }
    void unlock() FERRY_ANNOTATION(release_capability()) {
        held_ = false;
        mutex_.unlock();
    }

private:
    adaptive_mutex& mutex_;
    bool held_ = true;
};

} // namespace ferry::detail
