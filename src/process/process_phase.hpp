// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <ferry/error.hpp>

#include "pool/breakage.hpp"

#include <exception>
#include <string>

namespace ferry::detail {

/// Whether a process pool takes tasks and starts those that it has, and why not: from open to
/// closed to cancelling, and from each of them to broken, which it stays. A state machine. Not
/// thread-safe.
class process_phase {
public:
    /// Takes nothing any more; with `cancel`, starts nothing either.
    void close(bool cancel) noexcept {
        closed_ = true;
        cancelling_ |= cancel;
    }
    /// No worker can be started. The text gets lost where there is no memory for it.
    void break_for(const std::string& why) noexcept {
        broken_.note(why);
        closed_ = true;
    }

    bool is_closed() const noexcept { return closed_; }
    bool is_broken() const noexcept { return broken_.is_broken(); }
    /// Whether what it has taken may still start.
    bool starts_tasks() const noexcept { return !cancelling_ && !is_broken(); }
    /// Errors: `broken_process_pool`, `shutdown_error`.
    void check_open() const {
        broken_.check();
        if (closed_)
            throw shutdown_error();
    }
    /// What the tasks of a broken pool fail with. Precondition: it is broken; this does not change
    /// any more then.
    std::exception_ptr error() const noexcept { return broken_.error(); }

private:
    bool closed_ = false;
    bool cancelling_ = false;
    breakage<broken_process_pool> broken_;
};

} // namespace ferry::detail
