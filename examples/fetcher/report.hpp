// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include "histogram.hpp"
#include "job.hpp"
#include "settings.hpp"

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace fetcher {

/// What became of all targets together: numbers and the first names, never all outcomes, so that
/// its size does not depend on how many there are. Thread safety: unsafe; one thread at a time.
class report {
public:
    using clock = std::chrono::steady_clock;

    /// `settings` is referred to.
    explicit report(const request_settings& settings) : settings_(settings) {}

    /// A target that is done, one way or the other.
    void add(const job& what, clock::time_point now);
    /// One that was done before, and was not fetched.
    void add_skipped() { ++skipped_; }
    /// One that nothing will become of any more.
    void add_unfinished(const job& what);
    void count_retry() { ++retries_; }
    void set_total(std::uint64_t total) { total_ = total; }
    /// There were more targets in the lists, nobody knows how many.
    void set_unread() { unread_ = true; }

    std::uint64_t done() const noexcept { return succeeded_ + failed_ + skipped_; }
    std::uint64_t succeeded() const noexcept { return succeeded_ + skipped_; }
    std::uint64_t failed() const noexcept { return failed_; }
    std::uint64_t bytes() const noexcept { return bytes_; }
    std::optional<std::uint64_t> total() const noexcept { return total_; }
    clock::time_point begin() const noexcept { return begin_; }

    /// `[done/total] id status ms attempts worker detail` for the target that was added last.
    std::string line(job& what) const;
    /// A JSON object on one line.
    std::string json(job& what) const;
    std::string summary(clock::time_point now) const;
    /// The same numbers in Prometheus' text format.
    std::string metrics(clock::time_point now) const;

private:
    static constexpr std::size_t most_names = 20;
    std::uint64_t unfinished() const;

    const request_settings& settings_;
    const clock::time_point begin_ = clock::now();
    std::optional<std::uint64_t> total_;
    bool unread_ = false;
    std::uint64_t succeeded_ = 0, failed_ = 0, skipped_ = 0, unfinished_ = 0;
    std::uint64_t not_modified_ = 0; // of those that succeeded
    std::uint64_t attempts_ = 0, retries_ = 0, bytes_ = 0, connections_ = 0, reused_ = 0;
    std::array<std::uint64_t, failure_count> failures_{};
    histogram transfer_; // of one target, all attempts together
    histogram whole_;    // the same, with the waiting before and in between
    std::array<std::chrono::microseconds, 5> phases_{}; // sums
    std::vector<std::string> failed_names_, unfinished_names_;
};

/// The name of the thread that a worker runs in.
std::string worker_name(const job& what);

} // namespace fetcher
