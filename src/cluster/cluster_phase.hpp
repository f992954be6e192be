// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

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
    void break_for(const std::string& why) noexcept;
    /// All is done; the threads end.
    void finish() noexcept { done_ = true; }

    bool is_broken() const noexcept { return broken_; }
    bool is_done() const noexcept { return done_; }
    /// Errors: `broken_cluster_pool`, `shutdown_error`.
    void check_open() const;
    /// What the tasks of a broken pool fail with. Precondition: it is broken.
    std::exception_ptr error() const noexcept;

private:
    bool closed_ = false;
    bool broken_ = false;
    bool done_ = false;
    std::string why_;
};

} // namespace ferry::detail::cluster
