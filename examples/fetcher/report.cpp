// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include "report.hpp"

#include <algorithm>
#include <iomanip>
#include <utility>

namespace fetcher {

void report::add(outcome result) {
    outcomes_.push_back(std::move(result));
    const outcome& last = outcomes_.back();
    out_ << '[' << outcomes_.size() << '/' << total_ << "] " << last.id << ' ';
    if (last.status == 0)
        out_ << '-';
    else
        out_ << last.status;
    out_ << ' ' << last.elapsed.count() << "ms " << last.attempts
         << (last.attempts == 1 ? " attempt " : " attempts ")
         << (last.worker.empty() ? "-" : last.worker) << ' ' << last.detail << std::endl;
}

void report::summary() const {
    std::size_t succeeded = 0;
    std::chrono::milliseconds sum{};
    for (const auto& each : outcomes_) {
        succeeded += each.ok ? 1 : 0;
        sum += each.elapsed;
    }
    const auto finished = outcomes_.size();
    out_ << "succeeded: " << succeeded << " of " << total_ << '\n';
    if (finished < total_)
        out_ << "not finished: " << total_ - finished << '\n';
    if (finished > 0)
        out_ << "average: " << sum.count() / static_cast<long long>(finished) << " ms\n";
    if (finished > succeeded)
        out_ << "failed: " << finished - succeeded << '\n';
    for (const auto& each : outcomes_)
        if (!each.ok)
            out_ << "  " << each.id << ": " << each.detail << '\n';
    const std::chrono::duration<double> wall = std::chrono::steady_clock::now() - begin_;
    out_ << "total: " << std::fixed << std::setprecision(2) << wall.count() << " s" << std::endl;
}

bool report::all_succeeded() const noexcept {
    return outcomes_.size() == total_ &&
           std::all_of(outcomes_.begin(), outcomes_.end(), [](const auto& each) { return each.ok; });
}

} // namespace fetcher
