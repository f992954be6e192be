// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace fetcher {

/// The ids that a word stands for: `7`, `1-20`, `001-100` (which keeps its zeros), or any other
/// word, which stands for itself.
struct id_range {
    std::string word;                  ///< if it is no range
    std::uint64_t first = 0, last = 0; ///< if it is one
    std::size_t width = 0;             ///< digits, zeros in front included

    bool is_range() const noexcept { return word.empty(); }
    std::uint64_t size() const noexcept { return is_range() ? last - first + 1 : 1; }
    /// The id at `n`, which counts from 0.
    std::string at(std::uint64_t n) const;
};

/// The ranges of a list with commas. Throws `std::invalid_argument` for a range that runs backwards
/// and for an empty part.
std::vector<id_range> parse_ids(const std::string& list);

} // namespace fetcher
