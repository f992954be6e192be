// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include "engine.hpp"

#include <boost/asio/io_context.hpp>

namespace fetcher {

/// Runs the engine in this thread until it is done, with Ctrl-C and SIGTERM passed on to it. The
/// exit code of the program.
int run_to_end(boost::asio::io_context& context, engine& fetching);

} // namespace fetcher
