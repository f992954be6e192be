// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include "child_processes.hpp"

#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

namespace server {
namespace {

/// The fields of `/proc/PID/stat` behind the program's name, which may contain anything.
std::istringstream fields_of(int pid) {
    std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
    std::string text;
    std::getline(file, text, '\0');
    const auto end = text.rfind(')');
    return std::istringstream(end == std::string::npos ? "" : text.substr(end + 1));
}

} // namespace

std::vector<child_process> child_processes() {
    double uptime = 0;
    std::ifstream("/proc/uptime") >> uptime;
    std::vector<child_process> result;
    std::error_code ignored;
    for (const auto& thread : std::filesystem::directory_iterator("/proc/self/task", ignored)) {
        std::ifstream children(thread.path() / "children");
        for (child_process each; children >> each.pid;) {
            auto fields = fields_of(each.pid);
            std::string skipped;
            for (int field = 3; field < 22; ++field)
                fields >> skipped;
            double started = 0, virtual_size = 0, pages = 0;
            if (!(fields >> started >> virtual_size >> pages))
                continue; // it has ended
            each.age =
                std::max(uptime - started / static_cast<double>(::sysconf(_SC_CLK_TCK)), 0.0);
            each.memory = static_cast<std::uint64_t>(pages) *
                          static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
            result.push_back(each);
        }
    }
    std::sort(result.begin(), result.end(),
              [](const auto& a, const auto& b) { return a.pid < b.pid; });
    return result;
}

} // namespace server
