// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <chrono>
#include <cstddef>
#include <exception>
#include <functional>
#include <optional>

namespace ferry {

/// How many attempts to make, how long to wait between them, and which failures to retry.
///
/// The delay after the n-th failure is `base_delay * factor^(n-1)`, but at most `max_delay`; the
/// fraction `jitter` of that delay is random. Delays may be given as any chrono duration, fractions
/// included. A delay beyond the range of the steady clock becomes that clock's longest duration.
///
/// @par Errors
/// A value out of range makes the constructor or call that takes the policy throw
/// `std::invalid_argument` naming the member and its value, before the first attempt.
struct retry_policy {
    /// Maximum number of attempts, the first included; at least 1, which means no retry. Default:
    /// 3.
    std::size_t max_attempts = 3;
    /// Delay after the first failure; not negative. With 0 every attempt immediately follows the
    /// one before it. Default: 100 ms.
    std::chrono::duration<double> base_delay = std::chrono::milliseconds(100);
    /// Factor by which each delay exceeds the one before it; at least 1, which keeps the delays
    /// equal. Default: 2.
    double factor = 2;
    /// Upper bound for every delay, `base_delay` included; not negative. If empty, delays grow
    /// without bound. Default: 30 s.
    std::optional<std::chrono::duration<double>> max_delay = std::chrono::seconds(30);
    /// Fraction of each delay that is random, in the range [0, 1]: a delay `d` becomes a uniformly
    /// distributed one between `d * (1 - jitter)` and `d`. With 0 callers that failed together
    /// retry together; with 1 a delay may be close to 0. Default: 0.
    double jitter = 0;
    /// Predicate that decides whether an exception is retried. It is called after every failed
    /// attempt but the last, in the thread of the attempt, and never for a cancellation. An
    /// exception that it throws becomes the outcome. If empty (the default), every exception is
    /// retried.
    std::function<bool(std::exception_ptr)> retry_on = {};
};

} // namespace ferry
