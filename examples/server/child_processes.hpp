// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <cstdint>
#include <vector>

namespace server {

struct child_process {
    int pid = 0;
    double age = 0;           ///< in seconds
    std::uint64_t memory = 0; ///< resident, in bytes
};

/// The processes that this one has started and that have not ended, as `/proc` shows them.
std::vector<child_process> child_processes();

} // namespace server
