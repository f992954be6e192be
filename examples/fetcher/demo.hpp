// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include "options.hpp"

namespace fetcher {

/// Fetches from servers of its own on loopback and compares what came of it with what they were
/// told to do. Gives the exit code of the program: 0 when all of it is as it should be.
int run_demo(options settings);

} // namespace fetcher
