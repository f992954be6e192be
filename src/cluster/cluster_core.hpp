// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <ferry/cluster/detail/cluster_call.hpp>
#include <ferry/cluster/options.hpp>

#include "broker_address.hpp"
#include "cluster_report.hpp"
#include "cluster_shutdown.hpp"
#include "cluster_state.hpp"
#include "cluster_threads.hpp"
#include "inside/observed.hpp"
#include "support/home_process.hpp"

#include <cstddef>
#include <memory>
#include <span>
#include <string>

namespace ferry::detail::cluster {

/// A cluster pool, as its tasks and those who submit them see it; shared by the pool, its tasks and
/// its threads.
///
/// Data flow: `submit` enters a call into the ledger, or into the line before it. The publishing
/// thread sends it to the broker, and the consuming one hears from the hosts what becomes of it, and
/// gives results to `process_jobs`, where user code runs. What a host says is material to check.
///
/// Invariants, beside those of `cluster_state`:
/// - In a child of fork() nobody takes the mutex, which may be locked forever.
class cluster_core final : public cluster_host,
                           public observed,
                           public std::enable_shared_from_this<cluster_core> {
public:
    cluster_core(cluster_options options, broker_address address);
    ~cluster_core();

    const std::string& name() const noexcept { return pool_.options.name; }
    std::size_t max_workers() noexcept { return cluster_report(pool_).max_workers(); }

    /// What ends it. Errors: `shutdown_error` in a child of fork().
    cluster_shutdown shutdown() {
        home_.check();
        return cluster_shutdown(pool_);
    }
    /// What it tells of itself. Errors: likewise.
    cluster_report report() {
        home_.check();
        return cluster_report(pool_);
    }
    bool is_callback_thread() const noexcept { return pool_.jobs.is_this_thread(); }
    bool is_forked_copy() const noexcept { return home_.is_elsewhere(); }
    /// In a child of fork(): the threads are the parent's.
    void abandon_after_fork();

    void read(all_figures& to) override FERRY_EXCLUDES(pool_.mutex);

    // What tasks and those who submit them ask for.
    void check_open() override FERRY_EXCLUDES(pool_.mutex);
    segment_store& store() noexcept override { return pool_.store; }
    void check_code(const code_ref&) const override {} // the hosts' tables do
    void submit(remote_call_ptr c, entrance e) override FERRY_EXCLUDES(pool_.mutex);
    void submit_all(std::span<const remote_call_ptr> calls) override FERRY_EXCLUDES(pool_.mutex);
    void submit(remote_call_ptr c, cluster_call how) override FERRY_EXCLUDES(pool_.mutex);
    void dropped(remote_call& c, bool expired) noexcept override FERRY_EXCLUDES(pool_.mutex);
    bool revoke(remote_call&) noexcept override { return true; }
    bool started(const remote_call&) const noexcept override { return false; }
    bool ask_to_stop(remote_call& c) noexcept override FERRY_EXCLUDES(pool_.mutex);
    bool cancel_running(remote_call& c) noexcept override FERRY_EXCLUDES(pool_.mutex);
    void post_callbacks(remote_call& c) noexcept override { pool_.jobs.run_callbacks(c); }

private:
    cluster_state pool_;
    const home_process home_;
    cluster_threads threads_;
};

} // namespace ferry::detail::cluster
