// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include "client.hpp"

#include <boost/asio/error.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>

#include <exception>
#include <utility>

namespace asio = boost::asio;
namespace json = boost::json;

namespace fetcher {
namespace {

constexpr std::chrono::milliseconds max_backoff{30'000};

/// A reply, judged.
struct reply {
    transfer_result transfer;
    bool ok = false;
    std::string detail;
};

/// The first characters of `text`; never cuts a UTF-8 sequence.
std::string extract(std::string text) {
    constexpr std::size_t width = 60;
    if (text.size() <= width)
        return text;
    std::size_t end = width;
    while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80)
        --end;
    return text.substr(0, end) + "...";
}

/// An attempt failed, and another may do better.
struct transient_failure : std::exception {};

bool is_transient(std::exception_ptr error) {
    try {
        std::rethrow_exception(error);
    } catch (const transient_failure&) {
        return true;
    } catch (...) {
        return false;
    }
}

/// One attempt, run by a worker: the transfer and the parsing of what it brought.
reply fetch_json(std::stop_token stop, const transfer_request& request) {
    reply result;
    result.transfer = transfer(std::move(stop), request);
    if (!result.transfer.error.empty()) {
        result.detail = result.transfer.error;
    } else if (result.transfer.status < 200 || result.transfer.status >= 300) {
        result.detail = "HTTP " + std::to_string(result.transfer.status);
    } else {
        boost::system::error_code error;
        const json::value value = json::parse(result.transfer.body, error);
        result.ok = !error;
        result.detail =
            error ? "invalid JSON: " + error.message() : extract(json::serialize(value));
    }
    result.transfer.body.clear();
    return result;
}

} // namespace

asio::awaitable<void> client::attempt(const transfer_request& request, outcome& result) {
    reply last = co_await ferry::run_in_executor(pool_, &fetch_json, request);
    ++result.attempts;
    result.ok = last.ok;
    result.status = last.transfer.status;
    result.elapsed += last.transfer.elapsed;
    result.worker = std::move(last.transfer.worker);
    result.detail = std::move(last.detail);
    if (last.transfer.transient)
        throw transient_failure();
}

asio::awaitable<outcome> client::fetch(target what) {
    outcome result;
    result.id = what.id;
    const transfer_request request{what.url, settings_.user_agent, settings_.timeout,
                                   settings_.direct};
    const ferry::retry_policy policy{.max_attempts = std::size_t(settings_.retries) + 1,
                                     .base_delay = settings_.backoff,
                                     .max_delay = max_backoff,
                                     .retry_on = is_transient};
    try {
        co_await ferry::async_retry(policy, [&] { return attempt(request, result); });
    } catch (const transient_failure&) {
        // The result tells of the last attempt.
    } catch (const boost::system::system_error& e) {
        result.ok = false;
        result.cancelled = e.code() == asio::error::operation_aborted;
        result.detail = e.what();
    } catch (const std::exception& e) {
        result.ok = false;
        result.detail = e.what();
    }
    co_return result;
}

} // namespace fetcher
