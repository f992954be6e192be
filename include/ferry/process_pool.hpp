// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <ferry/process/detail/map.hpp>
#include <ferry/process/options.hpp>
#include <ferry/process/detail/task.hpp>
#include <ferry/stats.hpp>
#include <ferry/thread_pool.hpp>

#include <memory>
#include <ranges>

namespace ferry {

/// Worker processes that run blocking calls: this program, started again. The interface of
/// `thread_pool`; functions, arguments and results have to be `process_offloadable`. A worker's
/// death fails the task that it was running, with `worker_died`, and no other. Workers start on
/// demand and an idle one is reused first. Preconditions: `main` begins with
/// `run_worker_if_spawned()`. Thread safety: all members are safe to call from any thread, the
/// destructor excepted. Lifetime: futures outlive the pool. Blocking: the destructor is
/// `shutdown()` with wait; in one of the pool's own callbacks it does not wait for that callback.
/// Executor: callbacks of its futures run in a thread of the pool that does no input or output.
/// Source: Python's `ProcessPoolExecutor`; "running" means running, and a crash costs one task.
class process_pool {
public:
    /// Errors: `std::invalid_argument` that names the option; `std::logic_error` where `main` did
    /// not call `run_worker_if_spawned`, or where pools are nested too deeply. No process is
    /// started yet.
    explicit process_pool(process_pool_options options = {});
    explicit process_pool(std::size_t max_workers);
    ~process_pool();
    process_pool(const process_pool&) = delete;
    process_pool& operator=(const process_pool&) = delete;

    /// Runs `fn(args...)` in a worker, with a `std::stop_token` first if and only if it is not
    /// callable without one. Function and arguments are encoded here and now; what goes wrong then
    /// is the future's outcome. Errors: `shutdown_error`, `broken_process_pool`. Blocking: never.
    template <class F, class... A>
        requires process_offloadable<F, A...>
    auto submit(F&& fn, A&&... args) {
        const std::decay_t<F>& f = fn; // a function becomes a pointer
        return detail::submit_remotely(core_, nullptr, f, args...);
    }
    template <class F, class... A>
        requires process_offloadable<F, A...>
    auto submit(task_options options, F&& fn, A&&... args) {
        const std::decay_t<F>& f = fn; // a function becomes a pointer
        return detail::submit_remotely(core_, &options, f, args...);
    }

    /// As `thread_pool::map`. `chunksize` elements travel and run together: a worker's death fails
    /// all of its chunk, an exception only its element.
    template <class F, std::ranges::input_range... Ranges>
        requires detail::mappable<Ranges...>
    &&process_offloadable<F, std::ranges::range_value_t<Ranges>...> auto map(F fn,
                                                                             Ranges&&... ranges) {
        return detail::map_remotely(core_, {}, std::move(fn), std::forward<Ranges>(ranges)...);
    }
    template <class F, std::ranges::input_range... Ranges>
        requires detail::mappable<Ranges...>
    &&process_offloadable<F, std::ranges::range_value_t<Ranges>...> auto
    map(map_options options, F fn, Ranges&&... ranges) {
        return detail::map_remotely(core_, options, std::move(fn), std::forward<Ranges>(ranges)...);
    }

    /// As `thread_pool::shutdown`; the workers end too. Errors: `would_deadlock` with `wait` from
    /// one of the pool's own callbacks.
    void shutdown(shutdown_options options = {});
    /// Waits no longer than that for the tasks; then cancels what has not started, and kills the
    /// workers that still run something: those tasks fail with `worker_died`.
    shutdown_report shutdown(timeout limit);

    /// Shuts down and ends the workers: queued tasks are cancelled, running ones fail with
    /// `worker_died`. The gentle form sends SIGTERM, and SIGKILL after `kill_grace`. Idempotent.
    /// Blocking: until the workers have ended.
    void terminate_workers();
    void kill_workers();

    std::size_t max_workers() const noexcept;
    pool_stats stats() const;

private:
    friend struct detail::process_pool_access;

    std::shared_ptr<detail::process_core> core_;
};

namespace detail {

/// Reaches the core of a pool, for the parts of Ferry that build on it.
struct process_pool_access {
    static const std::shared_ptr<process_core>& core(const process_pool& pool) noexcept {
        return pool.core_;
    }
};

} // namespace detail

} // namespace ferry
