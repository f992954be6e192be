// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <cstdint>
#include <linux/filter.h>
#include <span>
#include <vector>

namespace ferry::detail {

/// Calls that are younger than the headers of many systems; from 424 on the numbers are the same on
/// all architectures.
inline constexpr std::uint32_t call_clone3 = 435;
inline constexpr std::uint32_t call_openat2 = 437;
inline constexpr std::uint32_t call_pidfd_getfd = 438;
inline constexpr std::uint32_t call_fchmodat2 = 452;
inline constexpr std::uint32_t call_setxattrat = 463;
inline constexpr std::uint32_t call_removexattrat = 466;
inline constexpr std::uint32_t call_file_setattr = 469;

/// What system calls a worker process must not make.
struct forbidden_calls {
    bool network = false;   ///< no socket but AF_UNIX pairs, and none of those finds another peer
    bool writing = false;   ///< no file is created, opened for writing, changed or removed
    bool executing = false; ///< no program is executed
    bool processes = false; ///< no process is started; threads are
    /// With `writing`: refuses as well what tells only in memory which file it is about, `openat2`
    /// and `bind`, which no filter can read. Needed where Landlock does not look at all threads.
    bool unreadable_paths = false;

    explicit operator bool() const noexcept { return network || writing || executing || processes; }
};

/// Conditions for one system call. Pure data; the kernel's numbers.
struct filter_rule {
    std::uint32_t call = 0;
    enum class when : std::uint8_t {
        always,
        any_bit,   ///< the argument has one of the bits of `value`
        no_bit,    ///< the argument has none of them
        equal,     ///< the argument is `value`
        not_equal, ///< the argument is another one
    } condition = when::always;
    std::uint8_t argument = 0; ///< its number; only its lower 32 bits are looked at
    std::uint32_t value = 0;
    int error = 0; ///< what the call gives then
};

/// The rules for this machine's system calls.
std::vector<filter_rule> rules_for(const forbidden_calls& forbidden);

/// The rules as a program for the kernel. System calls of another architecture's table, which
/// 64-bit kernels offer to programs of 32 bits, all fail with EPERM.
std::vector<sock_filter> assemble(std::span<const filter_rule> rules);

/// The architecture whose table the rules are for, as the kernel's audit calls it.
std::uint32_t filter_architecture() noexcept;

} // namespace ferry::detail
