// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include "settings.hpp"
#include "transfer_channel.hpp"

#include <stop_token>

namespace fetcher {

/// What all workers share; constant while they run.
struct transfer_settings {
    request_settings request;
    check_kind check = check_kind::status;
    bool keep_validators = false; ///< tell of `ETag` and `Last-Modified`
    long max_connections = 100;   ///< that a worker keeps open for later
    long buffer_size = 0;         ///< for what is received, of each transfer; 0: libcurl's
};

/// The one blocking call: performs all jobs that come through the channel, as many at a time as
/// come, over connections of its own (an answer's connection serves the next request, HTTP/2 serves
/// many at once), until the channel says that there are no more, or until `stop` is requested,
/// which is as good as `transfer_channel::abort`. A job takes one of the `slots` while it is under
/// way; jobs for which there is none wait in reserve. What is done goes to `inbox`, one by one.
void transfer_many(std::stop_token stop, transfer_channel& channel, slot_count& slots,
                   result_inbox& inbox, const transfer_settings& settings);

/// The method of a job's request.
std::string method_of(const job& what, const request_settings& settings);

/// Initializes libcurl for as long as it lives; the first thing in `main`.
class curl_library {
public:
    curl_library();
    ~curl_library();
    curl_library(const curl_library&) = delete;
    curl_library& operator=(const curl_library&) = delete;
};

} // namespace fetcher
