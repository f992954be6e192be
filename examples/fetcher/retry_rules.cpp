// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include "retry_rules.hpp"

#include <ferry/resilience/backoff.hpp>

#include <curl/curl.h>

#include <algorithm>
#include <charconv>
#include <stdexcept>

namespace fetcher {
namespace {

constexpr std::chrono::seconds max_pause{30};

std::optional<long> number(std::string_view text) {
    long value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (text.empty() || error != std::errc() || end != text.data() + text.size() || value < 0)
        return std::nullopt;
    return value;
}

} // namespace

std::optional<std::chrono::seconds> parse_retry_after(std::string_view text, std::time_t now) {
    const auto begin = std::min(text.find_first_not_of(" \t"), text.size());
    text.remove_prefix(begin);
    text = text.substr(0, text.find_last_not_of(" \t") + 1);
    if (text.empty())
        return std::nullopt;
    if (std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; })) {
        constexpr long longest = 1'000'000'000; // beyond it, no number can be told from another
        return std::chrono::seconds(text.size() > 9 ? longest : *number(text));
    }
    if (text.find_first_of(" ,:") == std::string_view::npos) // libcurl guesses at too much
        return std::nullopt;
    const std::time_t at = ::curl_getdate(std::string(text).c_str(), nullptr);
    if (at < 0)
        return std::nullopt;
    return std::chrono::seconds(std::max<std::time_t>(at - now, 0));
}

bool is_idempotent(std::string_view method) {
    for (const char* each : {"GET", "HEAD", "PUT", "DELETE", "OPTIONS", "TRACE"})
        if (method == each)
            return true;
    return false;
}

retry_rules::retry_rules(const retry_settings& settings)
    : settings_(settings), usual_(settings.on.empty()) {
    const std::string& list = settings.on;
    for (std::size_t begin = 0; begin < list.size();) {
        const auto comma = std::min(list.find(',', begin), list.size());
        const std::string word = list.substr(begin, comma - begin);
        begin = comma + 1;
        if (word == "5xx") {
            all_server_errors_ = true;
        } else if (const auto status = number(word); status && *status >= 300 && *status <= 599) {
            statuses_.insert(*status);
        } else {
            bool found = false;
            for (std::size_t n = 1; n < failure_count && !found; ++n)
                if (const auto each = static_cast<failure>(n);
                    (found = word == name_of(each) && each != failure::status))
                    failures_.insert(each);
            if (!found)
                throw std::invalid_argument("'" + word +
                                            "' is neither a status (300 to 599), nor 5xx, nor the "
                                            "name of a failure");
        }
    }
}

bool retry_rules::is_transient(failure why, long status) const {
    if (why == failure::status) {
        if (usual_)
            return status == 408 || status == 425 || status == 429 ||
                   (status >= 500 && status <= 599 && status != 501 && status != 505);
        return statuses_.count(status) > 0 ||
               (all_server_errors_ && status >= 500 && status <= 599);
    }
    if (!usual_)
        return failures_.count(why) > 0;
    switch (why) {
    case failure::dns:
    case failure::connect:
    case failure::timeout:
    case failure::stall:
    case failure::closed: return true;
    default: return false;
    }
}

std::optional<retry_rules::duration> retry_rules::host_closed_for(const job& failed) const {
    if (!failed.retry_after || failed.why != failure::status)
        return std::nullopt;
    return std::min<duration>(*failed.retry_after, settings_.max_retry_after);
}

std::optional<retry_rules::duration> retry_rules::next(const job& failed, std::string_view method,
                                                       double random) {
    const bool unsent = failed.why == failure::dns || failed.why == failure::connect;
    if (!is_transient(failed.why, failed.status) ||
        !(unsent || settings_.all_methods || is_idempotent(method)) ||
        (settings_.budget && retries_ >= *settings_.budget))
        return std::nullopt;
    ferry::backoff pause({.max_attempts = std::size_t(settings_.retries) + 1,
                          .base_delay = settings_.backoff,
                          .max_delay = max_pause,
                          .jitter = 1});
    std::optional<duration> delay;
    for (std::size_t n = 0; n < failed.attempts.size(); ++n)
        delay = pause.next(random);
    if (!delay)
        return std::nullopt;
    ++retries_;
    return std::max(*delay, host_closed_for(failed).value_or(duration::zero()));
}

} // namespace fetcher
