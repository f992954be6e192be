// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <ferry/cluster/options.hpp>
#include <ferry/process/detail/remote_call.hpp>

#include "ledger.hpp"

#include <chrono>
#include <exception>
#include <string>

namespace ferry::detail::cluster {

/// The errors of calls that the ledger gives up, and what they say about broker and hosts. Not
/// thread-safe.
class call_errors {
public:
    /// `options` lives as long as this. `queue`: the name of the pool's task queue.
    call_errors(const cluster_options& options, std::string queue)
        : options_(options), queue_(std::move(queue)) {}

    /// The broker could not be reached, or is reached.
    void connect_failed(const char* why);
    void connected() noexcept { failed_connects_ = 0; }

    /// The error for an action that fails a task. `wait`: how long such a task would wait now.
    std::exception_ptr error_for(const ledger::action& a, const remote_call& call,
                                 const ledger& book, std::chrono::nanoseconds wait) const noexcept;
    /// That of a call whose time is over while it stands in the line.
    static std::exception_ptr late(const remote_call& call) noexcept;
    /// That of a call that runs when its pool does not wait any longer.
    static std::exception_ptr left(const remote_call& call) noexcept;

private:
    std::string attempts(const ledger& book) const;

    const cluster_options& options_;
    const std::string queue_;
    std::string last_failure_;
    unsigned failed_connects_ = 0;
};

} // namespace ferry::detail::cluster
