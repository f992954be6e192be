// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <chrono>
#include <optional>

namespace ferry::detail {

/// What follows from worker processes that cannot be started: when to try again, and when the pool
/// is broken. A shortage may pass, and workers that live do the work meanwhile. A state machine
/// without a clock of its own. Not thread-safe.
class start_policy {
public:
    using clock = std::chrono::steady_clock;
    enum class reason {
        unknown,    ///< a process could not be made, or ended before it was ready
        initializer ///< the initializer said what is wrong
    };

    /// So many failures in a row break a pool without workers, if they took at least that long.
    static constexpr unsigned tolerated_failures = 3;
    static constexpr clock::duration tolerated_for(reason why) noexcept {
        return std::chrono::milliseconds(why == reason::initializer ? 500 : 2000);
    }
    /// How long to wait after so many failures in a row.
    static constexpr clock::duration delay_after(unsigned failures) noexcept {
        constexpr std::chrono::milliseconds first(10);
        constexpr std::chrono::milliseconds most(1000);
        const auto delay = first * (1 << (failures < 8 ? failures - 1 : 7));
        return delay < most ? delay : most;
    }

    /// A worker is ready.
    void started() noexcept { failures_ = 0; }
    /// A start failed. Gives the time of the next attempt, or nothing: the pool is broken.
    std::optional<clock::time_point> failed(clock::time_point now, reason why,
                                            bool any_worker_serves) noexcept {
        if (failures_++ == 0)
            first_failure_ = now;
        if (!any_worker_serves && failures_ >= tolerated_failures &&
            now - first_failure_ >= tolerated_for(why))
            return std::nullopt;
        return now + delay_after(failures_);
    }
    /// In a row.
    unsigned failures() const noexcept { return failures_; }

private:
    unsigned failures_ = 0;
    clock::time_point first_failure_{};
};

} // namespace ferry::detail
