// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <ferry/timeout.hpp>

#include <cstdint>

namespace ferry::detail {

/// A moment at which something is to be done, while it is in a list.
struct deadline {
    enum class purpose {
        grace,          ///< the worker has not left or ended in time: it is ended, or killed
        run_time,       ///< the timeout of the task in `slot`
        stop_grace,     ///< the task in `slot` was asked to stop, and has not
        idle,           ///< whether the worker has been idle for too long
        standard_error, ///< reading it is tried again
        answers,        ///< receiving an answer is tried again
        exit,           ///< likewise, of a worker that has ended
        // From here on: of the pool itself.
        check,    ///< looking at the workers that have tasks
        dispatch, ///< handing out is tried again
        start,    ///< starting a worker is tried again
        trim,     ///< giving back segments that are larger than what is needed
        limits    ///< the next sample of what tasks use
    } what{};
    std::uint32_t worker = 0;
    std::uint16_t slot = 0;
    timeout::clock::time_point at{};
    deadline* next = nullptr;
    deadline* previous = nullptr; // null: in no list
};

/// Deadlines in the order of their times, linked through themselves. Most of those that are put in
/// are later than the others, so their place is looked for from the end. Not thread-safe.
class deadline_list {
public:
    deadline_list() noexcept { ends_.next = ends_.previous = &ends_; }
    deadline_list(const deadline_list&) = delete;
    deadline_list& operator=(const deadline_list&) = delete;

    /// Puts it in its place, whether it was in the list or not. True if it is the first one now.
    bool put(deadline& d, timeout::clock::time_point at) noexcept;
    static void remove(deadline& d) noexcept;
    static bool contains(const deadline& d) noexcept { return d.previous != nullptr; }
    deadline* first() noexcept { return ends_.next == &ends_ ? nullptr : ends_.next; }

private:
    deadline ends_; // a ring, so that neither end is special
};

} // namespace ferry::detail
