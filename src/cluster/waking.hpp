// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <atomic>
#include <chrono>

namespace ferry::detail::cluster {

/// Wakes a thread that waits in `connection::wait`. Thread safety: safe.
class wake_up {
public:
    wake_up();
    ~wake_up();
    wake_up(const wake_up&) = delete;
    wake_up& operator=(const wake_up&) = delete;

    void signal() noexcept;
    void clear() noexcept;
    int file() const noexcept { return file_; }
    /// Sleeps until it is signalled or the time is over.
    void wait_until(std::chrono::steady_clock::time_point until) noexcept;

private:
    int file_;
    std::atomic<bool> signalled_{false};
};

/// When to try to connect again: sooner at first, and never all at once.
class reconnect_delay {
public:
    /// Never longer than half a beat, so that nobody is missed for it, nor than five seconds.
    explicit reconnect_delay(std::chrono::nanoseconds beat);
    std::chrono::milliseconds next();
    void reset() noexcept { failures_ = 0; }

private:
    const std::chrono::milliseconds most_;
    unsigned failures_ = 0;
};

} // namespace ferry::detail::cluster
