// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include "job.hpp"
#include "settings.hpp"

#include <curl/curl.h>

#include <string>

namespace fetcher {

/// What kind of failure libcurl's code is, as far as the code alone tells.
failure failure_of(CURLcode code);

/// Whether what a proxy by SOCKS said is not going to be something else a moment later.
bool is_permanent(CURLproxycode code);

/// Whether a host (`scheme://host:port`) is a numeric address that is not of the only family that
/// the settings want.
bool is_of_other_family(const std::string& host, const request_settings& settings);

} // namespace fetcher
