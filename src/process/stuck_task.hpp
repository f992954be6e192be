// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include "wire.hpp"

#include <chrono>
#include <cstdint>

namespace ferry::detail {

/// For how long a worker process has left one task in one state in which it should not stay. A
/// state machine without a clock of its own. Not thread-safe.
class stuck_task {
public:
    /// How long it may stay in it: much longer than a worker needs on a busy machine.
    static constexpr std::chrono::seconds patience{10};

    /// The task was seen in that state at `now_ns`. True if it has been seen in that, and no other
    /// one was seen in between, for `patience` and for `at_least`.
    bool lasts(std::uint64_t task, wire::slot_state in, std::int64_t now_ns,
               std::chrono::nanoseconds at_least = {}) noexcept {
        if (task != task_ || in != in_) {
            task_ = task;
            in_ = in;
            since_ns_ = now_ns;
        }
        const std::chrono::nanoseconds lasted(now_ns - since_ns_);
        return lasted >= patience && lasted >= at_least;
    }

private:
    std::uint64_t task_ = 0; // none has that number
    wire::slot_state in_{};
    std::int64_t since_ns_ = 0;
};

} // namespace ferry::detail
