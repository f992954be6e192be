// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include <ferry/detail/adaptive_mutex.hpp>

#include "futex.hpp"
#include <ferry/detail/spin.hpp>

namespace ferry::detail {

// It is held for some instructions, so a few turns are enough. Whoever tries for longer takes cache
// lines away from a thread that gets on faster alone: with 100 turns two workers that take tasks from
// one pool take twice as long for each (four producers, two processors).
void adaptive_mutex::lock_slowly() noexcept {
    constexpr int turns = 6;
    for (int i = 0; i < turns; ++i) {
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
