// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include "deadline_list.hpp"
#include "wake_event.hpp"

#include <array>

namespace ferry::detail {

/// What the reader of a process pool does at a later time: the deadlines of its workers, and those
/// of the pool itself. One that comes before all others wakes the reader. For who holds the pool's
/// mutex.
class reader_timers {
public:
    using clock = timeout::clock;
    /// How often workers that have tasks are looked at without being asked to.
    static constexpr std::chrono::milliseconds check_interval{250};
    /// How long to wait where this process is short of something.
    static constexpr std::chrono::milliseconds moment{10};
    static constexpr std::chrono::milliseconds until_trimmed{500};

    explicit reader_timers(wake_event& wake) noexcept;

    void arm(deadline& d, clock::time_point at) noexcept {
        if (deadlines_.put(d, at))
            wake_.set();
    }
    // Deadlines of the pool itself, by their purpose: `check` and those that follow it.
    void arm(deadline::purpose what, clock::time_point at) noexcept { arm(own(what), at); }
    /// Does nothing where it is armed.
    void ensure(deadline::purpose what, clock::duration from_now) noexcept;
    bool is_armed(deadline::purpose what) const noexcept;

    /// Takes out the first one that is due at `now`, or null; it belongs to the pool, or to a
    /// worker that lives.
    deadline* take_due(clock::time_point now) noexcept;
    /// Milliseconds until the first one, -1 without one; an hour at most.
    int until_first(clock::time_point now) noexcept;

private:
    static constexpr auto first_own = static_cast<std::size_t>(deadline::purpose::check);
    static constexpr auto last_own = static_cast<std::size_t>(deadline::purpose::limits);
    deadline& own(deadline::purpose what) noexcept {
        return own_[static_cast<std::size_t>(what) - first_own];
    }

    wake_event& wake_;
    deadline_list deadlines_;
    std::array<deadline, last_own - first_own + 1> own_;
};

} // namespace ferry::detail
