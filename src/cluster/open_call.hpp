// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <ferry/cluster/code_table.hpp>
#include <ferry/cluster/detail/cluster_call.hpp>
#include <ferry/cluster/options.hpp>
#include <ferry/process/detail/remote_call.hpp>

#include "ledger.hpp"
#include "pool/admission.hpp"

#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <string>
#include <vector>

namespace ferry::detail::cluster {

/// A call of a cluster pool that has no outcome yet. Guarded by the pool's mutex from its submission
/// on; the publishing thread works with copies.
struct open_call {
    /// Finds the names of the code; what follows it in the encoded arguments, which it takes, is the
    /// same everywhere. Errors: `std::invalid_argument` for code that is in no table, and for
    /// arguments that are too large.
    static open_call of(const remote_call_ptr& c, const cluster_call& how,
                        const cluster_options& options);

    /// What its admission has to know.
    admission_request request(timeout::clock::time_point now) const noexcept;
    /// It has to start within that time, unless it is one of a map, which waits in any case.
    void limit_wait(const timeout& most) noexcept;
    bool is_map() const noexcept { return how.entrance == entrance::map; }
    bool wants_progress() const noexcept;
    ledger::facts facts() const noexcept {
        return {how.idempotent, how.attempts, how.start_by, bytes};
    }
    /// The message to the hosts.
    std::vector<std::byte> write(const std::string& reply_to, const ledger::publication& p) const;

    remote_call_ptr call;
    cluster_call how;
    code_key entry;
    code_key function;
    std::shared_ptr<const payload> arguments;
    std::size_t arguments_at = 0; ///< behind the code
    std::size_t bytes = 0;
    std::size_t level = 0;       ///< of priority, at the broker
    std::int64_t started_ns = 0; ///< 0: no host runs it
    std::uint32_t record = 0;    ///< of the worker that runs it, in the recording
    bool in_line = false;
    /// To be set by a shutdown while a thread waits for its place; else null.
    std::shared_ptr<bool> turned_away;
    bool counted = false; ///< by the line, as entered and not started
};

/// What is to be done with a call without the pool's mutex; null error: it is cancelled.
struct call_outcome {
    remote_call_ptr call;
    std::exception_ptr error;
};
using call_outcomes = std::vector<call_outcome>;

} // namespace ferry::detail::cluster
