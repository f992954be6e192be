// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <ferry/process/detail/remote_call.hpp>

#include "death_policy.hpp"
#include "quarantine_book.hpp"

#include <exception>
#include <optional>

namespace ferry::detail {

/// Which tasks of a process pool are refused because they killed too many workers. Nothing is
/// handed out while it `is_pending`: some of what is queued or handed out may be in quarantine,
/// until somebody has looked through it. For who holds the pool's mutex.
class task_quarantine {
public:
    using clock = quarantine_book::clock;
    using sentence = quarantine_book::sentence;

    task_quarantine(unsigned after, std::chrono::nanoseconds time) : book_(after, time) {}

    /// The sentence of the task, if it is in quarantine.
    std::optional<sentence> sentence_of(const remote_call& c) const noexcept;
    /// Errors: `quarantined_error`.
    void check(const remote_call& c) const;
    /// What a task in quarantine fails with.
    static std::exception_ptr error_of(const remote_call& c, const sentence& s) noexcept;

    /// Holds a worker's death against its task; true if that is in quarantine for it.
    bool blame(const remote_call& c, death_cause why) noexcept;
    bool is_pending() const noexcept { return pending_; }
    /// A task in quarantine is where it must not be.
    void found() noexcept { pending_ = true; }
    void looked_through() noexcept { pending_ = false; }
    void pardon_all() noexcept { book_.pardon_all(); }

private:
    quarantine_book book_;
    bool pending_ = false;
};

} // namespace ferry::detail
