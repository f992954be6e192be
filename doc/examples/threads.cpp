// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
// The names of all threads of a program, as `top -H` shows them.
#include <ferry/ferry.hpp>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <set>
#include <string>
#include <thread>

using namespace std::chrono_literals;
namespace fs = std::filesystem;

namespace {

std::set<std::string> thread_names() {
    std::set<std::string> names;
    for (const auto& thread : fs::directory_iterator("/proc/self/task")) {
        std::ifstream comm(thread.path() / "comm");
        std::string name;
        if (std::getline(comm, name))
            names.insert(name);
    }
    return names;
}

} // namespace

int main() {
    std::set<std::string> before = thread_names(); // the main thread, and a sanitizer's
    ferry::thread_pool pool({.max_workers = 2, .thread_name_prefix = "disk"});
    std::cout << "made, and has started " << pool.stats().workers << " threads\n";
    pool.submit({.timeout = 1min}, [] {}).wait(); // one worker, and the timer of the process

    // A thread takes its name when it begins.
    while (!thread_names().contains("ferry-timer"))
        std::this_thread::yield();
    for (const std::string& name : thread_names()) {
        if (!before.contains(name))
            std::cout << name << '\n';
    }
}
