// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <ferry/timeout.hpp>

#include <cstdint>

namespace ferry::detail {

/// A moment at which something is to be done, while it is in a list.
struct deadline {
    enum class purpose {
        grace,
        run_time,
        stop_grace,
        idle, ///< it has been for as long as it may be, perhaps
        standard_error,
        answers,  ///< some cannot be read now
        exit,     ///< the same of a worker that has ended
        check,    ///< of the workers that have tasks
        dispatch, ///< something could not be handed out
        start,    ///< a worker could not be started
        trim,     ///< of segments
        limits    ///< of what tasks use
    } what{};
    std::uint32_t worker = 0;
    std::uint16_t slot = 0;
    timeout::clock::time_point at{};
    deadline* next = nullptr;
    deadline* previous = nullptr; // null: in no list
};

/// Those that are to come, in order; needs no memory. What is put in is mostly later than the rest,
/// so it looks from the end. Not thread-safe.
class deadline_list {
public:
    deadline_list() noexcept { ends_.next = ends_.previous = &ends_; }
    deadline_list(const deadline_list&) = delete;
    deadline_list& operator=(const deadline_list&) = delete;

    /// True where it is the first one now.
    bool put(deadline& d, timeout::clock::time_point at) noexcept;
    static void remove(deadline& d) noexcept;
    static bool contains(const deadline& d) noexcept { return d.previous != nullptr; }
    deadline* first() noexcept { return ends_.next == &ends_ ? nullptr : ends_.next; }

private:
    deadline ends_; // a ring, so that neither end is special
};

} // namespace ferry::detail
