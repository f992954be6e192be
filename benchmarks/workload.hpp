// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

/// What one run of a workload measured.
struct sample {
    std::size_t items = 0;
    double ns = 0;             ///< per item, or what the workload says
    double allocations = 0;    ///< per item, in a program that counts them
    double bytes_per_item = 0; ///< of heap, with all items in flight; likewise
    std::vector<std::pair<std::string_view, double>> more = {}; ///< further values by name
};

/// One way to do one kind of work.
struct workload {
    std::string_view name;
    std::string_view implementation;
    std::size_t scale; ///< how many items where the command line does not say
    sample (*run)(std::size_t scale);
};

std::span<const workload> thread_workloads();
std::span<const workload> coroutine_workloads();
std::span<const workload> growth_workloads();
std::span<const workload> fairness_workloads();
std::span<const workload> statistics_workloads();
std::span<const workload> floor_workloads();
std::span<const workload> overload_workloads();

/// Whether this program counts allocations; it is slower then.
bool counts_allocations() noexcept;
/// Allocations so far, and the bytes of them that are in use; else 0.
std::uint64_t allocations() noexcept;
std::int64_t bytes_in_use() noexcept;

/// Measures from its construction on.
class stopwatch {
public:
    double ns() const noexcept {
        return std::chrono::duration<double, std::nano>(clock::now() - start_).count();
    }
    sample stop(std::size_t items) const noexcept {
        const double elapsed = ns();
        const auto n = static_cast<double>(items);
        return {items, elapsed / n, static_cast<double>(allocations() - allocations_) / n, 0};
    }

private:
    using clock = std::chrono::steady_clock;
    std::uint64_t allocations_ = allocations();
    clock::time_point start_ = clock::now();
};
