// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include "sanitized.hpp"

#include <ferry/error.hpp>

#include <string>

/// Whether a worker was ended by a signal, or, where a sanitizer has a handler for it, by that,
/// with its report.
inline bool crashed_by(const ferry::worker_died& e, int signal) {
    if (FERRY_SANITIZED && !e.signal())
        return e.stderr_tail().find("Sanitizer") != std::string::npos;
    return e.signal() == signal;
}
