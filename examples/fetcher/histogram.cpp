// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include "histogram.hpp"

#include <algorithm>
#include <bit>
#include <cmath>

namespace fetcher {

// Below `steps` each value has a class of its own; above, a class is named by the highest bit and
// the five bits below it.
std::size_t histogram::index(std::uint64_t value) noexcept {
    if (value < steps)
        return value;
    const auto shift = static_cast<unsigned>(std::bit_width(value)) - 6;
    return std::min<std::size_t>((shift + 1) * steps + ((value >> shift) - steps),
                                 std::tuple_size_v<decltype(classes_)> - 1);
}

std::uint64_t histogram::upper(std::size_t index) noexcept {
    if (index < steps)
        return index;
    const auto shift = index / steps - 1;
    return ((index % steps + steps + 1) << shift) - 1;
}

void histogram::add(duration what) {
    what = std::max(what, duration::zero());
    ++classes_[index(static_cast<std::uint64_t>(what.count()))];
    ++count_;
    sum_ += what;
    max_ = std::max(max_, what);
}

histogram::duration histogram::average() const noexcept {
    return count_ == 0 ? duration::zero() : sum_ / static_cast<std::int64_t>(count_);
}

histogram::duration histogram::quantile(double fraction) const {
    const auto wanted = std::max<std::uint64_t>(
        1, static_cast<std::uint64_t>(std::ceil(fraction * static_cast<double>(count_))));
    std::uint64_t seen = 0;
    for (std::size_t n = 0; n < classes_.size(); ++n) {
        seen += classes_[n];
        if (seen >= wanted)
            return n + 1 == classes_.size() ? max_ : std::min(max_, duration(upper(n)));
    }
    return max_;
}

} // namespace fetcher
