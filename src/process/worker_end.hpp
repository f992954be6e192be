// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <ferry/process/exception.hpp>

#include "limit_watch.hpp"

#include <cstdint>
#include <optional>
#include <string>

namespace ferry::detail {

/// Why a worker process is being ended, and how it has ended; `worker_death` concludes from it.
struct worker_end {
    // Why; guarded by the pool's mutex.
    const char* violation = nullptr; ///< how it broke the protocol; null: it has not
    /// The task that it did not start for so long that it was ended. It may have run it.
    std::uint64_t denied = 0;
    bool dismissed = false;             ///< the pool ends it, and none of its tasks is to blame
    std::optional<limit_breach> breach; ///< the limit for which it is ended
    std::uint64_t breached = 0;         ///< the task that exceeded that limit

    // How; for the reader.
    std::optional<worker_died::ending> how;
    bool was_starting = false; ///< it ended before it was ready
    unsigned tries = 0;        ///< how often its last answers were tried to be received
    std::string why_not_ready; ///< what it said of that, if it did
};

} // namespace ferry::detail
