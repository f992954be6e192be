// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include "http_server.hpp"

#include <exception>
#include <string>

namespace server {

response text(http::status status, std::string body);

/// What a client is told about an error. Each 503 has a `Retry-After`: a pool that is full says
/// when to come again.
response refusal(const std::exception_ptr& error);

} // namespace server
