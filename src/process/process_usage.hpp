// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace ferry::detail {

/// The memory of a process, in bytes.
struct memory_use {
    std::uint64_t resident = 0;  ///< all of it
    std::uint64_t anonymous = 0; ///< resident and swapped, that no file and no mapping shares
    std::uint64_t peak = 0;      ///< the most that was ever resident
};

/// Reads the text of /proc/PID/status; nothing where it says nothing of memory, as that of a
/// process that has ended.
std::optional<memory_use> parse_status(std::string_view status) noexcept;
/// The memory of a process that was not collected yet; nothing if it has ended.
std::optional<memory_use> memory_of(int pid) noexcept;
/// `peak` of that; 0 where the system does not say.
inline std::size_t peak_memory_of(int pid) noexcept {
    const auto m = memory_of(pid);
    return m ? m->peak : 0;
}
/// Bytes of resident memory that this process has now; 0 where the system does not say. Cheaper
/// than `memory_of`.
std::size_t resident_memory() noexcept;
/// The processor time that all threads of a process have used; nothing if it is gone.
std::optional<std::chrono::nanoseconds> cpu_time_of(int pid) noexcept;

} // namespace ferry::detail
