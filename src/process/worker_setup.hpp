// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <cstdint>

namespace ferry::detail {

/// What a worker process does with itself at its start; written by the pool into the memory that
/// they share. Numbers only.
struct worker_setup {
    std::uint64_t open_files = 0; ///< 0: no limit
    std::uint64_t file_size = 0;  ///< 0: no limit
    std::uint32_t sandbox = 0;    ///< the bits of ferry::sandbox
    bool no_processes = false;
    bool limits_memory = false; ///< a bad_alloc that leaves a call ends it
    bool measures_cpu = false;  ///< it notes what it has used when a call begins
};

} // namespace ferry::detail
