// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <ferry/process/options.hpp>
#include <ferry/stats.hpp>

#include "process_reader.hpp"
#include "process_report.hpp"
#include "process_shutdown.hpp"
#include "process_state.hpp"

#include "inside/observed.hpp"
#include "support/home_process.hpp"

#include <cstdint>
#include <memory>
#include <span>

namespace ferry::detail {

/// A process pool, as its tasks and those who submit them see it; shared by the pool, its tasks and
/// its threads.
///
/// Data flow: `submit` writes a task straight into the channel of a worker that can take it, else
/// it stays in the queue. One thread, the reader, waits for answers, deaths, standard error and
/// time. It runs no user code: it decodes small results of types that bring none, and gives all
/// others, and callbacks, to `process_jobs`. It alone starts, reaps and destroys workers. What a
/// worker says is material to check; whoever breaks the protocol is killed.
///
/// Invariants, beside those of `process_state`:
/// - In a child of fork() nobody takes the mutex, which may be locked forever, and nobody touches
///   what is shared with the workers, which are the parent's.
class process_core final : public call_host,
                           public observed,
                           private line_owner,
                           public std::enable_shared_from_this<process_core> {
public:
    explicit process_core(process_pool_options options);
    ~process_core();

    const process_pool_options& options() const noexcept { return pool_.options; }

    /// What ends it. Errors: `shutdown_error` in a child of fork().
    process_shutdown shutdown() {
        home_.check();
        return {pool_, reader_};
    }
    /// What it tells of itself. Errors: likewise.
    process_report report() {
        home_.check();
        return process_report(pool_);
    }
    /// Errors: likewise.
    void pardon_all() FERRY_EXCLUDES(pool_.mutex);
    bool is_callback_thread() const noexcept { return pool_.jobs.is_this_thread(); }
    bool is_forked_copy() const noexcept { return home_.is_elsewhere(); }
    /// In a child of fork(): the threads and the workers are the parent's.
    void abandon_after_fork();

    void read(all_figures& to) override FERRY_EXCLUDES(pool_.mutex);

    // What tasks and those who submit them ask for.
    void check_open() override FERRY_EXCLUDES(pool_.mutex);
    void check_code(const code_ref& code) const override { pool_.factory.program().check(code); }
    segment_store& store() noexcept override { return pool_.store; }
    void submit(remote_call_ptr c, entrance e) override FERRY_EXCLUDES(pool_.mutex);
    void submit_all(std::span<const remote_call_ptr> calls) override FERRY_EXCLUDES(pool_.mutex);
    void dropped(remote_call& c, bool failed) noexcept override FERRY_EXCLUDES(pool_.mutex);
    bool revoke(remote_call& c) noexcept override FERRY_EXCLUDES(pool_.mutex);
    bool started(const remote_call& c) const noexcept override FERRY_EXCLUDES(pool_.mutex);
    bool ask_to_stop(remote_call& c) noexcept override FERRY_EXCLUDES(pool_.mutex);
    bool cancel_running(remote_call& c) noexcept override FERRY_EXCLUDES(pool_.mutex);
    void post_callbacks(remote_call& c) noexcept override { pool_.jobs.run_callbacks(c); }

private:
    void fingerprint_call(remote_call& c) const noexcept;
    void note_submission(remote_call& c) noexcept FERRY_REQUIRES(pool_.mutex);
    void start_threads() FERRY_REQUIRES(pool_.mutex);
    void on_claimed_in_line(shared_state_base& task) noexcept override FERRY_EXCLUDES(pool_.mutex);

    process_state pool_;
    const home_process home_;
    const std::uint64_t seed_; // of fingerprints
    process_reader reader_;
};

} // namespace ferry::detail
