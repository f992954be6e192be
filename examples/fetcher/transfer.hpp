// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <chrono>
#include <stop_token>
#include <string>

namespace fetcher {

/// What one attempt needs to know.
struct transfer_request {
    std::string url;
    std::string user_agent;
    std::chrono::milliseconds timeout{};
    bool direct = false; ///< ignore the proxy settings of the environment
};

/// How one attempt went.
struct transfer_result {
    long status = 0;        ///< the HTTP status; 0 when there was no reply
    std::string body;       ///< what the server sent
    std::string error;      ///< why there was no complete reply; otherwise empty
    bool transient = false; ///< another attempt may do better
    std::chrono::milliseconds elapsed{};
    std::string worker; ///< the name of the thread that did it
};

/// Fetches a URL with the calling thread's own curl handle, and so over the connections that this
/// thread still has open. Blocks. Throws `ferry::cancelled_error` soon after `stop` is requested.
transfer_result transfer(std::stop_token stop, const transfer_request& request);

/// What is wrong with a URL as curl reads it; empty when nothing is. Opens no connection.
std::string url_error(const std::string& url);

/// Initializes libcurl for as long as it lives; the first thing in `main`.
class curl_library {
public:
    curl_library();
    ~curl_library();
    curl_library(const curl_library&) = delete;
    curl_library& operator=(const curl_library&) = delete;
};

} // namespace fetcher
