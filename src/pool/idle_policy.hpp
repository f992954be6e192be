// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <ferry/detail/spin.hpp>

#include <chrono>

namespace ferry::detail {

/// Decides what a worker that has found nothing does before it sleeps, because a wake-up costs
/// microseconds, across processors tens of them. It acts not and reads no clock.
///
/// On the submitter's processor the worker only lets the submitter go on: what that pushes in its
/// time slice is then found without a wake-up (measured: 1000 coroutines offloading in turn take
/// half the time). Elsewhere it looks for a microsecond or two where items came one after the
/// other; once in a while for as long as a wake-up takes, because a partner that is never asleep
/// when the answer comes is answered in a microsecond, and nothing else leads there (measured: a
/// round trip takes 1 instead of 50 us). What does not pay is left out more and more.
class idle_policy {
public:
    enum class action { sleep, yield, spin_short, spin_long };

    struct observation {
        bool on_submitters_processor = false;
        unsigned items_since_sleep = 0; ///< how many it has run since it last slept
        bool found_last_time = false;   ///< looking paid when it was idle before
    };

    /// So many items without a sleep are a stream of them.
    static constexpr unsigned stream = 8;
    /// How often `spin_short` looks: a microsecond or two.
    static constexpr int short_looks = 200;
    /// How long `spin_long` looks: as long as a wake-up takes across processors.
    static constexpr std::chrono::microseconds long_spin{50};
    /// A long spin that took no longer than this has paid.
    static constexpr std::chrono::microseconds soon{4};

    action decide(const observation& o) noexcept {
        if (o.on_submitters_processor)
            return action::yield;
        if (o.items_since_sleep >= stream)
            long_spins_.reset();
        if (o.items_since_sleep >= stream || o.found_last_time)
            return action::spin_short;
        return long_spins_.allows() ? action::spin_long : action::sleep;
    }
    /// A `spin_long` has ended after so long.
    void spun_long(std::chrono::steady_clock::duration taken) noexcept {
        if (taken >= soon)
            long_spins_.failed();
    }

private:
    skip_policy long_spins_;
};

} // namespace ferry::detail
