// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <ferry/config.hpp>
#include <ferry/pool_options.hpp>
#include <ferry/process/detail/remote_call.hpp>

#include "job_threads.hpp"

#include <memory>
#include <optional>

namespace ferry::detail {

/// The threads of a pool of processes or of a cluster in which user code runs: decoding, reports of
/// progress, callbacks and the destructors of what a call brings. Thread safety: safe.
class FERRY_DECL process_jobs {
public:
    process_jobs() noexcept;

    /// Starts the threads that every task needs. `keep` lives as long as the threads. Errors:
    /// `std::system_error`, `std::bad_alloc`.
    void start(const std::shared_ptr<void>& keep);
    /// Starts the thread that tasks with `on_progress` need, likewise.
    void start_reports(const std::shared_ptr<void>& keep) { reports_.start(keep); }
    /// Decodes what has arrived for the call, and publishes it.
    void decode(remote_call_ptr c) noexcept;
    /// Runs the callbacks of a published outcome, and reports of progress.
    void run_callbacks(remote_call& c) noexcept { callbacks_.post(&c.state(), c); }
    /// Drops a reference to a call. If that may run user code, because the options of the call have
    /// functions of the user, one of these threads does it.
    void let_go_of(remote_call_ptr c) noexcept;

    bool is_this_thread() const noexcept;
    /// No more jobs; waits until all have run, but not for the one that the calling thread runs.
    void finish() noexcept;
    /// As `finish`, but leaves behind what takes until the deadline, and longer than a second, and
    /// reports it as stuck.
    void finish_by(std::optional<timeout::clock::time_point> deadline,
                   shutdown_report& report) noexcept;

private:
    job_threads decoders_;
    job_threads reports_; // started with the first task that has `on_progress`
    job_threads callbacks_;
};

} // namespace ferry::detail
