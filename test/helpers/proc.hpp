// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <chrono>
#include <cstddef>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

// What the kernel tells of this process.

inline std::size_t open_files() {
    std::size_t n = 0;
    for ([[maybe_unused]] const auto& e : std::filesystem::directory_iterator("/proc/self/fd"))
        ++n;
    return n;
}

/// The threads whose names begin so.
inline std::size_t threads_named(std::string_view prefix) {
    std::size_t n = 0;
    for (const auto& task : std::filesystem::directory_iterator("/proc/self/task")) {
        std::ifstream file(task.path() / "comm");
        std::string name;
        if (std::getline(file, name) && name.starts_with(prefix))
            ++n;
    }
    return n;
}

/// The processes that a process has started.
inline std::vector<int> children_of(int pid) {
    std::vector<int> all;
    for (const auto& task :
         std::filesystem::directory_iterator("/proc/" + std::to_string(pid) + "/task")) {
        std::ifstream list(task.path() / "children");
        for (int child = 0; list >> child;)
            all.push_back(child);
    }
    return all;
}

/// Whether this thread of the process sleeps.
inline bool is_asleep(long thread) {
    std::ifstream file("/proc/self/task/" + std::to_string(thread) + "/stat");
    std::string text;
    if (!std::getline(file, text))
        return false;
    const auto name_ends = text.rfind(')');
    return name_ends != std::string::npos && text.substr(name_ends + 1).starts_with(" S");
}

/// Whether it becomes true; for what the kernel does soon after a join.
template <class F>
bool eventually(F f) {
    const auto until = std::chrono::steady_clock::now() + std::chrono::minutes(3);
    while (!f()) {
        if (std::chrono::steady_clock::now() > until)
            return false;
        std::this_thread::yield();
    }
    return true;
}
