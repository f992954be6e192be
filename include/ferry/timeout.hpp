// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <chrono>
#include <limits>
#include <optional>
#include <string>

namespace ferry {

/// How long an operation may take. Converts from every chrono duration, floating-point ones
/// included; fractions of a nanosecond are rounded up, negative is 0, and absent or beyond the
/// range of the clock is no limit. Source: the `timeout` arguments of Python's concurrent.futures.
class timeout {
public:
    using clock = std::chrono::steady_clock;

    /// No limit.
    constexpr timeout() noexcept = default;
    constexpr timeout(std::nullopt_t) noexcept {}

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

    template <class Rep, class Period>
    constexpr timeout(const std::optional<std::chrono::duration<Rep, Period>>& d) noexcept
        : timeout(d ? timeout(*d) : timeout()) {}

    /// True when there is a limit.
    constexpr bool limited() const noexcept { return limit_.has_value(); }
    constexpr std::optional<clock::duration> limit() const noexcept { return limit_; }

    /// The point in time at which it expires when it starts now; absent without a limit or where
    /// the clock cannot represent it.
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

/// How long it is until then: 0 for what is past, no limit for what is beyond the range of the clock.
/// Differences of far points in time are not representable in their own type.
template <class Clock, class Duration>
timeout time_until(const std::chrono::time_point<Clock, Duration>& at) noexcept {
    using wide = std::chrono::duration<long double, std::nano>;
    return wide(at.time_since_epoch()) - wide(Clock::now().time_since_epoch());
}

/// A limit in words: `50ms`, in the largest unit that needs no fraction.
std::string text_of(const timeout& limit);

} // namespace detail

} // namespace ferry
