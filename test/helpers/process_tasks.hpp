// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <chrono>
#include <csignal>
#include <filesystem>
#include <string>
#include <thread>

#include <unistd.h>

// Tasks for worker processes. Their sleeping is work that takes time; tests wait for events.

inline int triple(int n) { return 3 * n; }
inline int pid() { return ::getpid(); }

/// Takes that many milliseconds, however often it is interrupted; gives the worker's process.
inline int sleeping(int ms) {
    const auto until = std::chrono::steady_clock::now() + std::chrono::milliseconds(ms);
    std::this_thread::sleep_until(until);
    return ::getpid();
}
/// The same, and only SIGKILL ends it.
inline int sleeping_stubbornly(int ms) {
    ::signal(SIGTERM, SIG_IGN);
    return sleeping(ms);
}
/// Returns when the file is there; gives the worker's process, or 0 if a test that failed does not
/// make it.
inline int when_touched(const std::string& path) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::minutes(3);
    while (!std::filesystem::exists(path)) {
        if (std::chrono::steady_clock::now() >= end)
            return 0;
        std::this_thread::sleep_for(std::chrono::milliseconds(1)); // others need the processor
    }
    return ::getpid();
}
