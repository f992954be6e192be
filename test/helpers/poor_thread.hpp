// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include "process/confinement.hpp"

#include <cerrno>
#include <cstdint>

#include <sys/prctl.h>

/// landlock_create_ruleset(2)
inline constexpr long landlock_call = 444;

/// To the calling thread, forever, the kernel looks as if it lacked a system call. False where
/// that cannot be done.
inline bool take_away(long system_call) {
    using namespace ferry::detail;
    const filter_rule rules[] = {
        {static_cast<std::uint32_t>(system_call), filter_rule::when::always, 0, 0, ENOSYS}};
    auto program = assemble(rules);
    const sock_fprog all{static_cast<unsigned short>(program.size()), program.data()};
    ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    return kernel_facilities::real().set_filter(all, false) == 0;
}
