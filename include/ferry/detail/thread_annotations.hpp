// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <mutex>
#include <pthread.h>

// Clang checks with -Wthread-safety that what is guarded is only touched under its lock.
#if defined(__clang__)
#define FERRY_ANNOTATION(x) __attribute__((x))
#else
#define FERRY_ANNOTATION(x)
#endif
#define FERRY_GUARDED_BY(x) FERRY_ANNOTATION(guarded_by(x))
#define FERRY_REQUIRES(...) FERRY_ANNOTATION(requires_capability(__VA_ARGS__))
#define FERRY_EXCLUDES(...) FERRY_ANNOTATION(locks_excluded(__VA_ARGS__))
/// For functions that let go of a lock that they were given, and take it again.
#define FERRY_UNCHECKED FERRY_ANNOTATION(no_thread_safety_analysis)

namespace ferry::detail {

/// A mutex for a few instructions at a time: it spins a little before it sleeps, where the system
/// offers that.
class FERRY_ANNOTATION(capability("mutex")) short_mutex {
public:
    short_mutex() = default;
    short_mutex(const short_mutex&) = delete;
    short_mutex& operator=(const short_mutex&) = delete;

    void lock() FERRY_ANNOTATION(acquire_capability()) { pthread_mutex_lock(&mutex_); }
    void unlock() FERRY_ANNOTATION(release_capability()) { pthread_mutex_unlock(&mutex_); }

private:
#if defined(PTHREAD_ADAPTIVE_MUTEX_INITIALIZER_NP)
    pthread_mutex_t mutex_ = PTHREAD_ADAPTIVE_MUTEX_INITIALIZER_NP;
#else
    pthread_mutex_t mutex_ = PTHREAD_MUTEX_INITIALIZER;
#endif
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
