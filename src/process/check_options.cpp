// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include "check_options.hpp"

#include "scheduling.hpp"

#include <algorithm>
#include <stdexcept>
#include <string>

namespace ferry::detail {
namespace {

[[noreturn]] void refuse(const char* option, const std::string& why) {
    throw std::invalid_argument(std::string("process_pool_options::") + option + ' ' + why);
}

bool has_zero(const std::string& text) { return text.find('\0') != std::string::npos; }

void check_environment(const std::map<std::string, std::string>& environment) {
    for (const auto& [name, value] : environment) {
        if (name.empty())
            refuse("environment", "has a variable without a name");
        if (has_zero(name) || has_zero(value) || name.find('=') != std::string::npos)
            refuse("environment", "has the variable '" + name + "', which no program can have");
    }
}

std::string list_of(const std::vector<int>& numbers) {
    std::string text;
    for (const int n : numbers)
        text += (text.empty() ? "" : ", ") + std::to_string(n);
    return text;
}

} // namespace

void check(const process_pool_options& o) {
    if (o.max_workers == 0 || o.max_workers > 65536)
        refuse("max_workers", "must be 1 to 65536, not " + std::to_string(o.max_workers));
    check_environment(o.environment);
    if (has_zero(o.working_directory.native()))
        refuse("working_directory", "has a zero byte");
    if (o.quarantine_time < std::chrono::nanoseconds::zero())
        refuse("quarantine_time", "must not be negative");
    if (o.nice < 0 || o.nice > 19)
        refuse("nice", "must be 0 to 19, not " + std::to_string(o.nice));
    if (!o.cpus.empty() && !scheduling::allows(o.cpus))
        refuse("cpus", "names processors that this process cannot use: " + list_of(o.cpus));
}

} // namespace ferry::detail
