// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <ferry/config.hpp>
#include <ferry/resilience/retry_policy.hpp>

#include <chrono>
#include <cstddef>
#include <optional>

namespace ferry {

/// The delays of one series of attempts, for hand-written loops (`retry` and `async_retry` use one
/// internally): a state machine that neither waits nor reads a clock.
///
/// @par Blocking
/// Never.
///
/// @par Thread safety
/// Distinct objects: safe. Shared objects: unsafe.
///
/// @par Example
/// @code
/// ferry::backoff pause({.max_attempts = 10, .jitter = 0.5});
/// while (!connect(socket)) {
///     const auto delay = pause.next();
///     if (!delay)
///         throw unreachable();
///     std::this_thread::sleep_for(*delay);
/// }
/// @endcode
class FERRY_DECL backoff {
public:
    using duration = std::chrono::steady_clock::duration;

    /// Starts a series. `retry_on` is not used. Throws `std::invalid_argument` if the policy has a
    /// value out of range.
    explicit backoff(const retry_policy& policy = {});

    /// Counts a failed attempt and returns the delay before the next one, or nothing if it was the
    /// last.
    std::optional<duration> next();
    /// Like `next()`, with a caller-supplied random number in [0, 1]; 0 selects the longest delay.
    std::optional<duration> next(double random) noexcept;

    /// Returns the number of failed attempts since construction or the last `reset`.
    std::size_t failures() const noexcept { return failures_; }
    /// Starts a new series, after a success.
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
