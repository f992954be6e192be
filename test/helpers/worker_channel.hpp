// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include "process/wire.hpp"

#include <cstddef>
#include <cstdint>
#include <fstream>
#include <sstream>
#include <string>

// What a task can reach of the memory that its worker shares with the pool.

/// A mapping of this process's.
struct mapping {
    std::byte* from = nullptr;
    std::size_t size = 0;
};
inline mapping find_mapping(const std::string& name) {
    std::ifstream maps("/proc/self/maps");
    for (std::string line; std::getline(maps, line);) {
        if (line.find(name) == std::string::npos)
            continue;
        std::uintptr_t from = 0, to = 0;
        char dash = 0;
        std::istringstream(line) >> std::hex >> from >> dash >> to;
        return {reinterpret_cast<std::byte*>(from), to - from};
    }
    return {};
}

/// The channel of this worker process.
inline ferry::detail::wire::channel& my_channel() {
    return *reinterpret_cast<ferry::detail::wire::channel*>(find_mapping("ferry-channel").from);
}
