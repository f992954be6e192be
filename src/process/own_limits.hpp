// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace ferry::detail {

/// Sets this process's soft limits for open files and for the size of files; 0: as it is. Once, in
/// a worker, before there are other threads. A file that grows too large ends the process by
/// SIGXFSZ.
void set_own_limits(std::size_t open_files, std::size_t file_size) noexcept;

/// A `std::bad_alloc` that leaves a call ends this process from now on, with the exit code
/// `wire::exit_no_memory` and the memory that it used in `used`. Once, likewise.
void limit_own_memory(std::atomic<std::uint64_t>& used) noexcept;

/// While one lives this process may open files and enlarge mappings for itself whatever the limits
/// say: they are for its tasks. Costs nothing where there are none. Thread safety: safe.
class limits_lifted {
public:
    limits_lifted() noexcept;
    ~limits_lifted();
    limits_lifted(const limits_lifted&) = delete;
    limits_lifted& operator=(const limits_lifted&) = delete;
};

} // namespace ferry::detail
