// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <ferry/config.hpp>

#include "fork_count.hpp"

namespace ferry::detail {

/// The process that an object was made in: the only one that has the threads, the workers and the
/// connections of a pool. Thread safety: safe, since it is constant.
class FERRY_DECL home_process {
public:
    /// Whether this process was forked from it. The pool's mutex may then be locked forever.
    bool is_elsewhere() const noexcept { return forks_ != fork_count(); }
    /// Errors: `shutdown_error` if this process was forked from it.
    void check() const;

private:
    const unsigned forks_ = fork_count();
};

} // namespace ferry::detail
