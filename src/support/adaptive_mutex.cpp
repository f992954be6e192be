// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include <ferry/detail/adaptive_mutex.hpp>

#include "futex.hpp"
#include <ferry/detail/spin.hpp>

namespace ferry::detail {

void adaptive_mutex::lock_slowly() noexcept {
    for (int i = 0; i < 100; ++i) {
        std::uint32_t expected = unlocked;
        if (state_.load(std::memory_order_relaxed) == unlocked &&
            state_.compare_exchange_weak(expected, locked, std::memory_order_acquire,
                                         std::memory_order_relaxed))
            return;
        pause_briefly();
    }
    // Who slept does not know whether others do, so it says that they may.
    while (state_.exchange(contended, std::memory_order_acquire) != unlocked)
        futex_wait(reinterpret_cast<std::uint32_t*>(&state_), contended, std::nullopt);
}

void adaptive_mutex::wake_one() noexcept {
    futex_wake(reinterpret_cast<std::uint32_t*>(&state_), 1);
}

} // namespace ferry::detail
