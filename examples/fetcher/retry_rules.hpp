// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include "job.hpp"
#include "settings.hpp"

#include <chrono>
#include <cstdint>
#include <ctime>
#include <optional>
#include <set>
#include <string>
#include <string_view>

namespace fetcher {

/// What `Retry-After` asks for: a number of seconds, or a date in one of HTTP's three forms, as
/// seconds from `now` (0 for the past). Nothing for anything else.
std::optional<std::chrono::seconds> parse_retry_after(std::string_view text, std::time_t now);

/// Whether repeating such a request does no more than making it once.
bool is_idempotent(std::string_view method);

/// Decides whether an attempt that failed is followed by another, and when. Decides only: it
/// neither waits nor asks a clock.
class retry_rules {
public:
    using duration = std::chrono::steady_clock::duration;

    /// `settings.on` is a list with commas of statuses (`503`), of `5xx`, and of names of failures;
    /// without it: 408, 425, 429, 5xx but for 501 and 505, and the failures that may be gone a
    /// moment later. Throws `std::invalid_argument`.
    explicit retry_rules(const retry_settings& settings);

    /// Whether a failure of this kind may be gone a moment later.
    bool is_transient(failure why, long status) const;

    /// The pause before the next attempt; nothing when this was the last one. A method that is not
    /// idempotent is only tried again when the request was never sent. The pause is a random part
    /// of a limit that doubles (`random` from 0 to 1), but never shorter than what `Retry-After`
    /// asks for, up to the limit for that.
    std::optional<duration> next(const job& failed, std::string_view method, double random);

    /// What `Retry-After` asks for, up to the limit.
    std::optional<duration> host_closed_for(const job& failed) const;

    std::uint64_t retries() const noexcept { return retries_; }

private:
    retry_settings settings_;
    std::set<long> statuses_;
    std::set<failure> failures_;
    bool usual_ = true;
    bool all_server_errors_ = false;
    std::uint64_t retries_ = 0;
};

} // namespace fetcher
