// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include "support/descriptor.hpp"

#include <sys/syscall.h>
#include <unistd.h>

namespace ferry::detail {

/// The process that has started this one, as it was when this was made. Constant but for moves.
class parent_process {
public:
    parent_process() noexcept
        : pid_(::getppid()), handle_(static_cast<int>(::syscall(SYS_pidfd_open, pid_, 0))) {}

    int pid() const noexcept { return pid_; }
    /// A descriptor that is readable once it has ended; -1 where the system gives none.
    int handle() const noexcept { return handle_.get(); }
    /// Whether it has ended, by its number: another process takes its children over.
    bool has_ended() const noexcept { return ::getppid() != pid_; }

private:
    int pid_;
    descriptor handle_;
};

} // namespace ferry::detail
