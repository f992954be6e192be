// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <curl/curl.h>

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace fetcher {

/// One call of `curl_easy_setopt` that the command line asked for.
struct curl_setting {
    CURLoption option;
    std::variant<long, std::string, std::shared_ptr<curl_slist>> value;
};

/// What every request has, whatever its target.
struct request_settings {
    std::string method; ///< empty: GET, or POST when there is a body
    std::vector<std::string> headers;
    std::optional<std::string> body;
    std::string user_agent = "ferry-fetcher/1.0";
    std::vector<curl_setting> curl;
    std::chrono::milliseconds connect_timeout{10'000};
    std::chrono::milliseconds timeout{30'000};
    std::optional<std::chrono::milliseconds> stall_timeout;
};

enum class check_kind { status, json, none };

/// What is done with the bodies, and what they may cost.
struct body_settings {
    check_kind check = check_kind::status;
    bool checksum = false; ///< tell the SHA-256 of each
    std::uint64_t max_body = std::uint64_t(1) << 30;
    std::uint64_t max_in_flight = std::uint64_t(64) << 20;
};

/// When a failed attempt is followed by another.
struct retry_settings {
    unsigned retries = 2;
    std::chrono::milliseconds backoff{200};
    std::chrono::milliseconds max_retry_after{60'000};
    std::optional<std::uint64_t> budget; ///< most retries of the whole run
    std::string on;                      ///< see `retry_rules`; empty: the usual
    bool all_methods = false;
};

/// What is started when, and how much of it at a time.
struct lane_settings {
    unsigned jobs = 10;
    unsigned per_host = 0;    ///< 0: as many as `jobs`
    double rate = 0;          ///< starts a second; 0: no limit
    double per_host_rate = 0; ///< the same for each host
    unsigned breaker = 10;    ///< targets in a row that fail and close a host; 0: never
    std::chrono::milliseconds breaker_reset{5'000};
};

} // namespace fetcher
