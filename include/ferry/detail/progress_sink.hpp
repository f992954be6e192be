// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <ferry/config.hpp>
#include <ferry/detail/adaptive_mutex.hpp>
#include <ferry/task_options.hpp>

#include <chrono>
#include <functional>
#include <optional>
#include <string_view>

namespace ferry::detail {

/// The shortest time between two reports that are delivered.
inline constexpr std::chrono::milliseconds progress_period{20};

/// Decides which reports are delivered at once: those that are at least a period apart. Of the
/// others the latest is kept.
class progress_gate {
public:
    using clock = timeout::clock;

    explicit progress_gate(std::chrono::milliseconds period = progress_period) noexcept
        : period_(period) {}

    /// True if a report that comes now is to be delivered now.
    bool opens(clock::time_point now) noexcept {
        if (last_ && now - *last_ < period_)
            return false;
        last_ = now;
        return true;
    }

private:
    const std::chrono::milliseconds period_;
    std::optional<clock::time_point> last_;
};

/// Where the reports of one task go. Thread safety: safe; the function is called without a lock, by
/// one thread at a time.
class FERRY_DECL progress_sink {
public:
    explicit progress_sink(std::function<void(progress)> on_progress)
        : on_progress_(std::move(on_progress)) {}

    /// Delivers the report in the calling thread, or keeps it.
    void report(double done, std::string_view note) FERRY_EXCLUDES(mutex_);
    /// Keeps the report.
    void keep(double done, std::string_view note) FERRY_EXCLUDES(mutex_);
    /// Delivers what is kept, unless that is too soon.
    void flush() FERRY_EXCLUDES(mutex_);
    /// Delivers what is kept, and ignores what comes later.
    void close() FERRY_EXCLUDES(mutex_);

private:
    /// Calls the function without the lock, which is held again afterwards.
    void deliver(scoped_lock& lock, progress p) FERRY_REQUIRES(mutex_) FERRY_UNCHECKED;

    const std::function<void(progress)> on_progress_;
    adaptive_mutex mutex_;
    progress_gate gate_ FERRY_GUARDED_BY(mutex_);
    std::optional<progress> kept_ FERRY_GUARDED_BY(mutex_);
    bool delivering_ FERRY_GUARDED_BY(mutex_) = false;
    bool closed_ FERRY_GUARDED_BY(mutex_) = false;
};

/// What takes the reports of the code that a thread runs outside of futures' tasks: the worker of a
/// process pool sends them to the pool.
class FERRY_DECL progress_receiver {
public:
    virtual void on_report(double done, std::string_view note) = 0;

protected:
    ~progress_receiver() = default;
};

/// Sets that of the calling thread, or none; returns the previous one.
FERRY_DECL progress_receiver* set_progress_receiver(progress_receiver* r) noexcept;

} // namespace ferry::detail
