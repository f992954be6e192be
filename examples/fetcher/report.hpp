// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include "client.hpp"

#include <chrono>
#include <cstddef>
#include <ostream>
#include <vector>

namespace fetcher {

/// Tells what happens: a line for each outcome as it arrives, and a summary.
class report {
public:
    report(std::ostream& out, std::size_t total)
        : out_(out), total_(total), begin_(std::chrono::steady_clock::now()) {}

    /// Prints `[done/total] id status ms attempts worker detail`.
    void add(outcome result);

    /// Prints how many succeeded, the average time, the failures and the time it all took.
    /// Says so when not everything was finished.
    void summary() const;

    bool all_succeeded() const noexcept;
    const std::vector<outcome>& outcomes() const noexcept { return outcomes_; }

private:
    std::ostream& out_;
    std::size_t total_;
    std::chrono::steady_clock::time_point begin_;
    std::vector<outcome> outcomes_;
};

} // namespace fetcher
