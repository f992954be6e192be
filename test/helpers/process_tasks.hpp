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
/// Returns when the file is there; gives the worker's process.
inline int when_touched(const std::string& path) {
    while (!std::filesystem::exists(path))
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
    return ::getpid();
}
