// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include <ferry/resilience/backoff.hpp>

#include <algorithm>
#include <cmath>
#include <limits>
#include <locale>
#include <random>
#include <sstream>
#include <stdexcept>

namespace ferry {
namespace {

template <class T>
[[noreturn]] void refuse(const char* member, T value, const char* range) {
    std::ostringstream text;
    text.imbue(std::locale::classic());
    text << "retry_policy: " << member << " is " << value << ", but must be " << range;
    throw std::invalid_argument(text.str());
}

// Written so that NaN is refused too.
void check(const retry_policy& policy) {
    if (policy.max_attempts < 1)
        refuse("max_attempts", policy.max_attempts, "at least 1");
    if (!(policy.base_delay.count() >= 0))
        refuse("base_delay", policy.base_delay.count(), "a number of seconds that is not negative");
    if (!(policy.factor >= 1))
        refuse("factor", policy.factor, "at least 1");
    if (policy.max_delay && !(policy.max_delay->count() >= 0))
        refuse("max_delay", policy.max_delay->count(), "a number of seconds that is not negative");
    if (!(policy.jitter >= 0 && policy.jitter <= 1))
        refuse("jitter", policy.jitter, "between 0 and 1");
}

/// From 0 to 1, without 1.
double random_number() {
    thread_local std::minstd_rand engine{std::random_device{}()};
    return std::uniform_real_distribution<double>(0, 1)(engine);
}

backoff::duration saturated(double seconds) noexcept {
    constexpr double limit = 9.2e9; // below what the nanoseconds of the clock can count
    if (seconds >= limit)
        return backoff::duration::max();
    return std::chrono::round<std::chrono::nanoseconds>(std::chrono::duration<double>(seconds));
}

} // namespace

backoff::backoff(const retry_policy& policy)
    : max_attempts_((check(policy), policy.max_attempts)), base_(policy.base_delay.count()),
      factor_(policy.factor), longest_(policy.max_delay ? policy.max_delay->count()
                                                        : std::numeric_limits<double>::infinity()),
      jitter_(policy.jitter), delay_(std::min(base_, longest_)) {}

std::optional<backoff::duration> backoff::next() { return next(jitter_ > 0 ? random_number() : 0); }

std::optional<backoff::duration> backoff::next(double random) noexcept {
    if (failures_ < max_attempts_)
        ++failures_;
    if (failures_ >= max_attempts_)
        return std::nullopt;
    const double delay = delay_;
    if (delay > 0) // 0 times an infinite factor is no number
        delay_ = std::min(delay * factor_, longest_);
    const double part = 1 - jitter_ * random;
    return saturated(part > 0 ? delay * part : 0);
}

void backoff::reset() noexcept {
    failures_ = 0;
    delay_ = std::min(base_, longest_);
}

} // namespace ferry
