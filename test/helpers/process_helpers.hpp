// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <ferry/process_pool.hpp>

#include "gate.hpp"
#include "proc.hpp"
#include "process_tasks.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <unistd.h>

/// How long a test waits for what must come, however busy the machine is.
inline constexpr std::chrono::minutes patience{3};

/// A file that a task creates to show that it ran.
class marker {
public:
    marker()
        : path_(std::filesystem::temp_directory_path() /
                ("ferry-" + std::to_string(::getpid()) + "-" + std::to_string(++count()))) {}
    ~marker() { std::filesystem::remove(path_); }
    std::string path() const { return path_.string(); }
    bool touched() const { return std::filesystem::exists(path_); }

private:
    static int& count() {
        static int n = 0;
        return n;
    }
    std::filesystem::path path_;
};

inline std::vector<std::string> lines_of(const std::string& path) {
    std::vector<std::string> lines;
    std::ifstream file(path);
    for (std::string text; std::getline(file, text);)
        lines.push_back(text);
    return lines;
}

inline void touch(const std::string& path) { std::ofstream(path) << "ran\n"; }

/// When the process started, in ticks since the machine did; -1 where it is gone.
inline long start_of(int pid) {
    std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
    std::string text;
    std::getline(file, text);
    std::istringstream fields(text.substr(std::min(text.rfind(')') + 1, text.size())));
    std::string field;
    for (int i = 0; i < 19; ++i) // the name was the second one, this is the 22nd
        fields >> field;
    long ticks = -1;
    fields >> ticks;
    return fields ? ticks : -1;
}

/// Waits until the task runs; gives the process of the pool's youngest worker, found through /proc,
/// where it has one worker. Numbers of processes start again at some time, so they tell nothing.
template <class T>
int wait_for_worker_of(const ferry::future<T>& f, const ferry::process_pool&) {
    const auto until = std::chrono::steady_clock::now() + patience;
    while (!f.running() && !f.done() && std::chrono::steady_clock::now() < until)
        std::this_thread::yield();
    BOOST_REQUIRE(f.running() || f.done());
    std::pair<long, int> youngest{-1, 0};
    for (const int pid : children_of(::getpid()))
        youngest = std::max(youngest, {start_of(pid), pid});
    return youngest.second;
}
