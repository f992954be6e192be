// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <ferry/config.hpp>

#include <chrono>
#include <limits>
#include <optional>
#include <string>

namespace ferry {

/// A limit for how long an operation may take.
///
/// Converts implicitly from every chrono duration, floating-point ones included. Fractions of a
/// nanosecond are rounded up and negative durations count as 0; `std::nullopt`, NaN and durations
/// beyond the clock's range mean no limit.
///
/// @par See also
/// The `timeout` arguments of Python's `concurrent.futures`.
class timeout {
public:
    using clock = std::chrono::steady_clock;

    /// Makes a timeout without a limit.
    constexpr timeout() noexcept = default;

    /// Makes a timeout without a limit.
    constexpr timeout(std::nullopt_t) noexcept {}

    /// Makes a timeout with the limit `d`.
    template <class Rep, class Period>
    constexpr timeout(std::chrono::duration<Rep, Period> d) noexcept {
        using wide = std::chrono::duration<long double, std::nano>;
        const long double ns = std::chrono::duration_cast<wide>(d).count();
        if (ns != ns || ns >= 4.0e18L)
            return;
        if (ns <= 0) {
            limit_ = clock::duration::zero();
            return;
        }
        auto whole = static_cast<long long>(ns);
        if (static_cast<long double>(whole) < ns)
            ++whole;
        limit_ = std::chrono::nanoseconds(whole);
    }

    /// Makes a timeout with the limit `*d`, or without one if `d` is empty.
    template <class Rep, class Period>
    constexpr timeout(const std::optional<std::chrono::duration<Rep, Period>>& d) noexcept
        : timeout(d ? timeout(*d) : timeout()) {}

    /// Returns true if there is a limit.
    constexpr bool limited() const noexcept { return limit_.has_value(); }

    /// Returns the limit; empty if there is none.
    constexpr std::optional<clock::duration> limit() const noexcept { return limit_; }

    /// Returns the time point at which a timeout that starts now expires; empty without a limit, or
    /// if the clock cannot represent that time point.
    std::optional<clock::time_point> deadline() const noexcept {
        if (!limit_)
            return std::nullopt;
        const auto now = clock::now();
        if (*limit_ > clock::time_point::max() - now)
            return std::nullopt;
        return now + *limit_;
    }

private:
    std::optional<clock::duration> limit_;
};

namespace detail {

/// Returns the time left until `at`: 0 if it has passed, no limit if it is beyond the clock's
/// range. Differences of distant time points are not representable in their own type.
template <class Clock, class Duration>
timeout time_until(const std::chrono::time_point<Clock, Duration>& at) noexcept {
    using wide = std::chrono::duration<long double, std::nano>;
    return wide(at.time_since_epoch()) - wide(Clock::now().time_since_epoch());
}

/// Formats a limit, as in `50ms`, in the largest unit that needs no fraction.
FERRY_DECL std::string text_of(const timeout& limit);

} // namespace detail

} // namespace ferry
