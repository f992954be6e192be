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
class FERRY_ANNOTATION(capability("mutex")) short_mutex {
public:
    short_mutex() = default;
    short_mutex(const short_mutex&) = delete;
    short_mutex& operator=(const short_mutex&) = delete;

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

/// Holds a short_mutex; can let go of it and take it again.
class FERRY_ANNOTATION(scoped_lockable) short_lock {
public:
    explicit short_lock(short_mutex& m) FERRY_ANNOTATION(acquire_capability(m)) : mutex_(m) {
        mutex_.lock();
    }
    ~short_lock() FERRY_ANNOTATION(release_capability()) {
        if (held_)
            mutex_.unlock();
    }
    short_lock(const short_lock&) = delete;
    short_lock& operator=(const short_lock&) = delete;

    void lock() FERRY_ANNOTATION(acquire_capability()) {
        mutex_.lock();
        held_ = true;
    }
    void unlock() FERRY_ANNOTATION(release_capability()) {
        held_ = false;
        mutex_.unlock();
    }

private:
    short_mutex& mutex_;
    bool held_ = true;
};

} // namespace ferry::detail
