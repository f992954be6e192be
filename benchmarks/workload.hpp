// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string_view>

/// What one run of a workload measured.
struct sample {
    std::size_t items = 0;
    double seconds = 0;
    std::uint64_t allocations = 0; ///< during the measured part
    double bytes_per_item = 0;     ///< of heap, with all items in flight; 0: not measured
};

/// Allocations through operator new so far, and the bytes of them that are in use.
std::uint64_t allocations() noexcept;
std::int64_t bytes_in_use() noexcept;

/// Measures from its construction on.
class stopwatch {
public:
    sample stop(std::size_t items) const noexcept {
        const auto end = std::chrono::steady_clock::now();
        return {items, std::chrono::duration<double>(end - start_).count(),
                allocations() - allocations_, 0};
    }

private:
    std::uint64_t allocations_ = allocations();
    std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

/// Runs a workload for an implementation; items 0 when there is none of that name.
sample run_threads(std::string_view workload, std::string_view implementation, std::size_t scale);
sample run_coroutines(std::string_view workload, std::string_view implementation,
                      std::size_t scale);
