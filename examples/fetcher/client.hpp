// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include "options.hpp"
#include "transfer.hpp"

#include <ferry/ferry.hpp>

#include <boost/asio/awaitable.hpp>

#include <chrono>
#include <string>

namespace fetcher {

/// What became of one target after all its attempts.
struct outcome {
    std::string id;
    bool ok = false;
    bool cancelled = false; ///< it was given up before there was a result
    long status = 0;        ///< the last HTTP status; 0 when there was no reply
    unsigned attempts = 0;
    std::chrono::milliseconds elapsed{}; ///< in transfers; neither queueing nor back-off
    std::string worker;                  ///< the thread that made the last attempt
    std::string detail;                  ///< an extract of the JSON, or the reason of the failure
};

/// Fetches targets, each with as many attempts as it needs and may have.
class client {
public:
    /// Both are referred to and must outlive the client.
    client(ferry::thread_pool& pool, const options& settings)
        : pool_(pool), settings_(settings) {}

    /// Fetches one target. The transfers run in the pool; between attempts only a timer runs.
    /// Cancelling it gives an outcome with `cancelled` set.
    boost::asio::awaitable<outcome> fetch(target what);

private:
    /// One attempt, added to the result; throws when another may do better.
    boost::asio::awaitable<void> attempt(const transfer_request& request, outcome& result);

    ferry::thread_pool& pool_;
    const options& settings_;
};

} // namespace fetcher
