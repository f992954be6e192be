// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <chrono>
#include <cstddef>
#include <exception>
#include <functional>
#include <optional>

namespace ferry {

/// How often to try, how long to wait in between, and after which failures.
///
/// The delay after the n-th failure is `base_delay * factor^(n-1)`, but no more than `max_delay`;
/// of that the fraction `jitter` is random. Delays are any chrono durations, fractions included;
/// what is beyond the range of the steady clock is its longest duration.
/// What cannot be used (see the ranges) is refused with `std::invalid_argument`, which names the
/// member and its value, before the first attempt.
struct retry_policy {
    /// Most attempts, the first included; at least 1, which is no retry.
    std::size_t max_attempts = 3;
    /// The delay after the first failure; not negative. 0: attempts follow each other at once.
    std::chrono::duration<double> base_delay = std::chrono::milliseconds(100);
    /// What each delay is multiplied by for the next; at least 1, which keeps them equal.
    double factor = 2;
    /// The longest delay, also where `base_delay` is longer; not negative. Absent: none.
    std::optional<std::chrono::duration<double>> max_delay = std::chrono::seconds(30);
    /// The fraction of each delay that is random, 0 to 1: a delay `d` becomes one between
    /// `d * (1 - jitter)` and `d`, each as likely as the other. With 0 callers that failed together
    /// come back together; with 1 a delay may be close to 0.
    double jitter = 0;
    /// Whether to try again after that exception. Asked after every failed attempt but the last, on
    /// the thread of the attempt, and never for a cancellation. What it throws is the outcome.
    /// Empty: after every exception.
    std::function<bool(std::exception_ptr)> retry_on = {};
};

/// The delays of one series of attempts, for loops of one's own (`retry` and `async_retry` have it
/// inside): a state machine that neither waits nor asks a clock.
/// Thread safety: distinct objects safe, shared objects unsafe. Blocking: never.
///
///     ferry::backoff pause({.max_attempts = 10, .jitter = 0.5});
///     while (!connect(socket)) {
///         const auto delay = pause.next();
///         if (!delay)
///             throw unreachable();
///         std::this_thread::sleep_for(*delay);
///     }
class backoff {
public:
    using duration = std::chrono::steady_clock::duration;

    /// `retry_on` is not used. Errors: `std::invalid_argument`, as said at `retry_policy`.
    explicit backoff(const retry_policy& policy = {});

    /// After a failed attempt: how long to wait before the next; nothing when it was the last one.
    std::optional<duration> next();
    /// The same with a number of one's own in place of a random one, from 0 (the longest delay)
    /// to 1.
    std::optional<duration> next(double random) noexcept;

    /// Failed attempts since the beginning or `reset`.
    std::size_t failures() const noexcept { return failures_; }
    /// Starts anew, after a success.
    void reset() noexcept;

private:
    // Constant after construction; delays in seconds.
    std::size_t max_attempts_;
    double base_;
    double factor_;
    double longest_;
    double jitter_;

    std::size_t failures_ = 0;
    double delay_; // the next one; at most longest_
};

} // namespace ferry
