// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <ferry/error.hpp>

#include "pool/breakage.hpp"

#include <exception>
#include <string>

namespace ferry::detail::cluster {

/// Whether a cluster pool takes tasks, and why not; and whether its threads go on. From open to
/// closed, and from both to broken, which it stays. A state machine. Not thread-safe.
class cluster_phase {
public:
    /// Takes nothing any more.
    void close() noexcept { closed_ = true; }
    /// It cannot do its work; its threads end. The text gets lost where there is no memory for it.
    void break_for(const std::string& why) noexcept {
        broken_.note(why);
        done_ = true;
    }
    /// All is done; the threads end.
    void finish() noexcept { done_ = true; }

    bool is_broken() const noexcept { return broken_.is_broken(); }
    bool is_done() const noexcept { return done_; }
    /// Errors: `broken_cluster_pool`, `shutdown_error`.
    void check_open() const {
        broken_.check();
        if (closed_)
            throw shutdown_error();
    }
    /// What the tasks of a broken pool fail with. Precondition: it is broken.
    std::exception_ptr error() const noexcept { return broken_.error(); }

private:
    bool closed_ = false;
    bool done_ = false;
    breakage<broken_cluster_pool> broken_;
};

} // namespace ferry::detail::cluster
