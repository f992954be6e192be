// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include "body.hpp"
#include "target.hpp"
#include "validators.hpp"

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace fetcher {

/// What an attempt, and in the end a target, failed of.
enum class failure {
    none,
    url,          ///< it cannot be requested at all
    dns,          ///< no address for the host
    connect,      ///< no connection
    tls,          ///< no secure connection
    timeout,      ///< the time for the attempt, or for connecting, was over
    stall,        ///< nothing arrived for too long
    closed,       ///< the connection ended before the answer did
    protocol,     ///< the answer breaks the rules
    redirects,    ///< too many of them
    status,       ///< the server said no
    json,         ///< the body is no JSON
    checksum,     ///< the body's SHA-256 is not the one that was given
    too_large,    ///< the body is larger than --max-body
    output,       ///< the body could not be written
    circuit_open, ///< the host failed so often that it was not asked
    descriptors,  ///< the system had no descriptor left
    gave_up,      ///< the total timeout, or an interruption
    other
};
inline constexpr std::size_t failure_count = static_cast<std::size_t>(failure::other) + 1;

/// Its name, as in the summary, in `--json` and for `--retry-on`: `timeout`, `too-large`, ...
const char* name_of(failure what);

/// How long the phases of an attempt took; each begins where the one before ended.
struct phase_times {
    using duration = std::chrono::microseconds;
    duration dns{}, connect{}, tls{}, wait{}, read{}, total{};
};

/// One attempt that is over.
struct attempt {
    failure why = failure::none;
    long status = 0;
    std::string error; ///< in words; empty when it succeeded
    std::chrono::microseconds elapsed{};
    long connections = 0; ///< opened; 0 when one was reused, or none came about
};

/// A target on its way through the program: first it waits, then it is with a worker, then it waits
/// for a retry or is reported. Who holds it owns it, so that there is never anything to lock.
struct job {
    using clock = std::chrono::steady_clock;

    job(target t, const body_settings& settings, byte_budget& budget,
        ferry::thread_pool* writers = nullptr)
        : what(std::move(t)), body(settings, budget, writers) {
        body.expect(what.sha256);
    }

    target what;
    clock::time_point entered; ///< when it was read from the input
    clock::time_point started; ///< when its first attempt began
    clock::time_point due;     ///< of its next attempt, if it waits for one
    std::vector<attempt> attempts;
    std::size_t worker = 0; ///< that has it, or had it last
    /// Its worker has begun the attempt. While it is with the worker, all that others may look at,
    /// beside `what`.
    std::atomic<bool> begun{false};
    bool cancelled = false; ///< the last attempt was cut, and is not among `attempts`
    bool out_of_descriptors = false;

    // Of the last attempt.
    failure why = failure::none;
    long status = 0;
    std::string error;
    phase_times times;
    std::string final_url; ///< empty when it is the target's
    long http_version = 0; ///< as `CURL_HTTP_VERSION_...`
    std::optional<std::chrono::seconds> retry_after;

    std::string root, output; ///< the file, and the directory it is below; empty without a file
    /// The path of that file, as other programs understand it.
    std::string output_path() const;
    bool done_before = false; ///< by an earlier run
    validators known;    ///< of the answer that an earlier run got: it asks whether that changed
    validators answered; ///< of this one's
    bool not_modified = false; ///< it did not change
    body_sink body;

    std::chrono::microseconds elapsed() const {
        std::chrono::microseconds sum{};
        for (const auto& each : attempts)
            sum += each.elapsed;
        return sum;
    }
};
using job_ptr = std::unique_ptr<job>;

} // namespace fetcher
