// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <ferry/error.hpp>
#include <ferry/thread_pool.hpp>

#include <chrono>

/// Whether the pool refuses a task at some time because of its shutdown.
inline bool submit_until_refused(ferry::thread_pool& pool) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::minutes(3);
    while (std::chrono::steady_clock::now() < end) {
        try {
            pool.submit([] {}).wait();
        } catch (const ferry::shutdown_error&) {
            return true;
        }
    }
    return false;
}
