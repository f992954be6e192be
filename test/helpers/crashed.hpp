// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <ferry/error.hpp>

#include <string>

/// Whether a worker was ended by a signal, or, where a sanitizer has a handler for it, by that,
/// with its report.
inline bool crashed_by(const ferry::worker_died& e, int signal) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    constexpr bool sanitized = true;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
    constexpr bool sanitized = true;
#else
    constexpr bool sanitized = false;
#endif
#else
    constexpr bool sanitized = false;
#endif
    if (sanitized && !e.signal())
        return e.stderr_tail().find("Sanitizer") != std::string::npos;
    return e.signal() == signal;
}
