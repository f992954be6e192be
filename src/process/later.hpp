// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <chrono>

namespace ferry::detail {

/// A time point later by `by`, which is not negative; the last one if that is beyond the clock's
/// range.
inline std::chrono::steady_clock::time_point later(std::chrono::steady_clock::time_point from,
                                                   std::chrono::nanoseconds by) noexcept {
    constexpr auto last = std::chrono::steady_clock::time_point::max();
    return by > last - from ? last : from + by;
}

} // namespace ferry::detail
