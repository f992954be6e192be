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
/// half the time). Elsewhere it looks for as long as a wake-up takes, no longer: a look that fails
/// then costs no more than the wake-up that it was to save. What does not pay is left out more and
/// more.
class idle_policy {
public:
    enum class action { sleep, yield, look };

    struct observation {
        bool on_submitters_processor = false;
        std::chrono::nanoseconds wake_up{};
    };
    struct decision {
        action what = action::sleep;
        std::chrono::nanoseconds time{}; ///< how long it looks
        bool operator==(const decision&) const = default;
    };

    decision decide(const observation& o) noexcept {
        if (o.on_submitters_processor)
            return {action::yield};
        const auto time = looks_.time({.together = false, .wake_up = o.wake_up});
        return time.count() == 0 ? decision{} : decision{action::look, time};
    }
    /// A look has ended.
    void looked(bool found) noexcept { looks_.looked(found); }

private:
    look_policy looks_;
};

} // namespace ferry::detail
