// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>

namespace fetcher {

/// Durations, counted in classes that are at most 1/32 wide: of fixed size however many there are.
/// Thread safety: distinct objects safe, shared objects unsafe.
class histogram {
public:
    using duration = std::chrono::microseconds;

    void add(duration what);

    std::uint64_t count() const noexcept { return count_; }
    duration sum() const noexcept { return sum_; }
    duration average() const noexcept;
    duration max() const noexcept { return max_; }
    /// At least that fraction (0 to 1) took no longer; never above `max`. 0 when there are none.
    duration quantile(double fraction) const;

private:
    static constexpr unsigned steps = 32; // classes within a power of two
    static std::size_t index(std::uint64_t value) noexcept;
    static std::uint64_t upper(std::size_t index) noexcept;

    std::array<std::uint64_t, 36 * steps> classes_{};
    std::uint64_t count_ = 0;
    duration sum_{};
    duration max_{};
};

} // namespace fetcher
