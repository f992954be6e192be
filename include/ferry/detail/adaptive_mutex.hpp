// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <ferry/config.hpp>
#include <ferry/detail/assert.hpp>
#include <ferry/detail/thread_annotations.hpp>

#include <atomic>
#include <cstdint>

#include <pthread.h>

namespace ferry::detail {

/// A mutex for a few instructions at a time: it spins a little before it sleeps. Taking it and
/// letting go is one atomic operation each where nobody else wants it.
///
/// `state_` is `contended` while somebody may sleep. The release in `unlock` pairs with the
/// acquires in `lock` and `lock_slowly`. `unlock` touches nothing after its exchange, so that who
/// comes next may destroy the mutex.
///
/// Debug builds note the owner, so that it can be asserted. The member is always there, and the
/// functions are never shared between translation units, so that a debug library and a release
/// program agree.
class FERRY_ANNOTATION(capability("mutex")) FERRY_DECL adaptive_mutex {
public:
    adaptive_mutex() = default;
    adaptive_mutex(const adaptive_mutex&) = delete;
    adaptive_mutex& operator=(const adaptive_mutex&) = delete;

    [[gnu::always_inline]] void lock() noexcept FERRY_ANNOTATION(acquire_capability()) {
        std::uint32_t expected = unlocked;
        if (!state_.compare_exchange_strong(expected, locked, std::memory_order_acquire,
                                            std::memory_order_relaxed))
            lock_slowly();
#if FERRY_ASSERTS
        owner_.store(this_thread(), std::memory_order_relaxed);
#endif
    }
    [[gnu::always_inline]] void unlock() noexcept FERRY_ANNOTATION(release_capability()) {
#if FERRY_ASSERTS
        FERRY_ASSERT(owner_.load(std::memory_order_relaxed) == this_thread());
        owner_.store(0, std::memory_order_relaxed);
#endif
        if (state_.exchange(unlocked, std::memory_order_release) == contended)
            wake_one();
    }
    /// Asserts that the calling thread holds it; for where the annotations cannot tell.
    [[gnu::always_inline]] void assert_held() const noexcept
        FERRY_ANNOTATION(assert_capability(this)) {
        FERRY_ASSERT(owner_.load(std::memory_order_relaxed) == this_thread());
    }

private:
    static constexpr std::uint32_t unlocked = 0, locked = 1, contended = 2;

    void lock_slowly() noexcept;
    void wake_one() noexcept;
    // Not 0; tells threads apart, whose control blocks are pages apart.
    static std::uint32_t this_thread() noexcept {
        return static_cast<std::uint32_t>((std::uintptr_t)::pthread_self() >> 12) | 1;
    }

    std::atomic<std::uint32_t> state_{unlocked};
    [[maybe_unused]] std::atomic<std::uint32_t> owner_{0};
};

/// Holds an adaptive_mutex; can let go of it and take it again.
class FERRY_ANNOTATION(scoped_lockable) scoped_lock {
public:
    [[gnu::always_inline]] explicit scoped_lock(adaptive_mutex& m)
        FERRY_ANNOTATION(acquire_capability(m))
        : mutex_(m) {
        mutex_.lock();
    }
    [[gnu::always_inline]] ~scoped_lock() FERRY_ANNOTATION(release_capability()) {
        if (held_)
            mutex_.unlock();
    }
    scoped_lock(const scoped_lock&) = delete;
    scoped_lock& operator=(const scoped_lock&) = delete;

    [[gnu::always_inline]] void lock() FERRY_ANNOTATION(acquire_capability()) {
        FERRY_ASSERT(!held_);
        mutex_.lock();
        held_ = true;
    }
    [[gnu::always_inline]] void unlock() FERRY_ANNOTATION(release_capability()) {
        FERRY_ASSERT(held_);
        held_ = false;
        mutex_.unlock();
    }

private:
    adaptive_mutex& mutex_;
    bool held_ = true;
};

} // namespace ferry::detail
