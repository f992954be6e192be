// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <ferry/ferry.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <iomanip>
#include <ostream>
#include <ranges>
#include <stdexcept>
#include <string>
#include <vector>

/// One point of the curve: how many calls are done in a second with that many workers.
struct tuning_point {
    std::size_t workers;
    double calls_per_second;
};

/// Calls `fn()` `calls` times in a pool of each of the sizes and measures how long that takes.
/// `calls` should be a few times the largest size. Blocks until all is measured.
template <class F>
std::vector<tuning_point> tune(F fn, const std::vector<std::size_t>& sizes, std::size_t calls) {
    std::vector<tuning_point> curve;
    for (std::size_t workers : sizes) {
        ferry::thread_pool pool(workers);
        for (const auto& f : pool.submit_bulk(std::vector<F>(workers, fn))) // starts the threads
            f.result();
        const auto start = std::chrono::steady_clock::now();
        for (const auto& f : pool.submit_bulk(std::vector<F>(calls, fn)))
            f.result();
        const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
        curve.push_back({workers, static_cast<double>(calls) / took.count()});
    }
    return curve;
}

/// Returns the smallest size that reaches `share` of the best rate: more workers than that cost
/// memory and gain little.
inline std::size_t best_size(const std::vector<tuning_point>& curve, double share = 0.9) {
    if (curve.empty())
        throw std::invalid_argument("best_size: the curve has no points");
    const double best =
        std::ranges::max(curve, {}, &tuning_point::calls_per_second).calls_per_second;
    const auto enough = [&](const tuning_point& p) { return p.calls_per_second >= share * best; };
    auto good = curve | std::views::filter(enough) | std::views::transform(&tuning_point::workers);
    return std::ranges::min(good);
}

/// Draws the curve, a bar for each size.
inline void draw(std::ostream& out, const std::vector<tuning_point>& curve) {
    double best = 1;
    for (const tuning_point& p : curve)
        best = std::max(best, p.calls_per_second);
    for (const tuning_point& p : curve) {
        const auto length = static_cast<std::size_t>(40 * p.calls_per_second / best);
        out << std::setw(5) << p.workers << " workers " << std::setw(8)
            << static_cast<long>(p.calls_per_second) << "/s " << std::string(length, '#') << '\n';
    }
}
