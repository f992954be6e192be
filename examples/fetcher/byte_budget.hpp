// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace fetcher {

/// Bytes that all bodies together may hold in memory. Thread safety: safe.
class byte_budget {
public:
    explicit byte_budget(std::uint64_t bytes) : left_(static_cast<std::int64_t>(bytes)) {}

    /// False, and nothing is taken, when there are not as many left.
    bool take(std::size_t bytes) noexcept {
        const auto wanted = static_cast<std::int64_t>(bytes);
        if (left_.fetch_sub(wanted) >= wanted)
            return true;
        left_ += wanted;
        return false;
    }
    void give_back(std::size_t bytes) noexcept { left_ += static_cast<std::int64_t>(bytes); }

private:
    std::atomic<std::int64_t> left_;
};

} // namespace fetcher
