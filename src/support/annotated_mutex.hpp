// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <ferry/detail/thread_annotations.hpp>

#include <condition_variable>
#include <mutex>

namespace ferry::detail {

/// A `std::mutex` of which clang's analysis knows what it guards; for what is waited for, or held
/// for longer than an adaptive_mutex should be.
class FERRY_ANNOTATION(capability("mutex")) annotated_mutex {
public:
    void lock() FERRY_ANNOTATION(acquire_capability()) { mutex_.lock(); }
    void unlock() noexcept FERRY_ANNOTATION(release_capability()) { mutex_.unlock(); }
    /// Tells the analysis that the calling thread holds it, in a lambda of a function that does.
    void assert_held() const noexcept FERRY_ANNOTATION(assert_capability(this)) {}

private:
    friend class annotated_lock;
    std::mutex mutex_;
};

/// Holds an annotated_mutex; can let go of it and take it again, and wait. Waits have no predicate:
/// a loop around them is analysed, a lambda is not.
class FERRY_ANNOTATION(scoped_lockable) annotated_lock {
public:
    explicit annotated_lock(annotated_mutex& m) FERRY_ANNOTATION(acquire_capability(m))
        : lock_(m.mutex_) {}
    ~annotated_lock() FERRY_ANNOTATION(release_capability()) {}
    annotated_lock(const annotated_lock&) = delete;
    annotated_lock& operator=(const annotated_lock&) = delete;

    void lock() FERRY_ANNOTATION(acquire_capability()) { lock_.lock(); }
    void unlock() FERRY_ANNOTATION(release_capability()) { lock_.unlock(); }

    void wait(std::condition_variable& c) { c.wait(lock_); }
    template <class TimePoint>
    std::cv_status wait_until(std::condition_variable& c, const TimePoint& at) {
        return c.wait_until(lock_, at);
    }

private:
    std::unique_lock<std::mutex> lock_;
};

} // namespace ferry::detail
