// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <ferry/config.hpp>
#include <ferry/process/detail/map.hpp>
#include <ferry/process/detail/task.hpp>
#include <ferry/process/options.hpp>
#include <ferry/stats.hpp>
#include <ferry/thread_pool.hpp>

#include <functional>
#include <map>
#include <memory>
#include <ranges>
#include <vector>

namespace ferry {

/// A pool of worker processes that run blocking calls: this program, started again. It has the
/// interface of `thread_pool`; functions, arguments and results must be `process_offloadable`.
///
/// Workers start on demand, and an idle one is reused before another is started. The death of a
/// worker fails the task that it was running, with `worker_died`, and no other. A task that was
/// handed to a worker but has not started does not count as running and can be cancelled.
///
/// @par Preconditions
/// `main` begins with `run_worker_if_spawned()`.
///
/// @par Executor
/// Tasks run in the main thread of a worker process. Callbacks of their futures run in a thread of
/// the pool that does no input or output.
///
/// @par Blocking
/// The destructor is `shutdown()` with wait; in one of the pool's own callbacks it does not wait
/// for that callback.
///
/// @par Lifetime
/// Futures may outlive the pool.
///
/// @par Thread safety
/// All members except the destructor may be called from any thread at any time.
///
/// @par See also
/// Python's `ProcessPoolExecutor`.
class FERRY_DECL process_pool {
public:
    /// Makes a pool without any process yet.
    ///
    /// @par Errors
    /// `std::invalid_argument` naming an option that is out of range; `std::logic_error` if `main`
    /// did not call `run_worker_if_spawned`, or if pools are nested too deeply.
    explicit process_pool(process_pool_options options = {});

    /// Makes a pool with at most `max_workers` processes and defaults otherwise.
    explicit process_pool(std::size_t max_workers);

    /// Shuts the pool down and waits until all tasks have run and all workers have ended.
    ~process_pool();
    process_pool(const process_pool&) = delete;
    process_pool& operator=(const process_pool&) = delete;

    /// Runs `fn(args...)` in a worker process and returns the future of its result.
    ///
    /// The function and its arguments are serialized before `submit` returns; a serialization error
    /// makes the future fail instead of being thrown. The call gets a `std::stop_token` as its
    /// first argument if and only if it is not valid without one.
    ///
    /// @par Executor
    /// The call runs in a worker process; callbacks of the future run in a thread of the pool.
    ///
    /// @par Cancellation
    /// `future::cancel` keeps a call that has not started from running; `future::request_stop` asks
    /// a running one that takes a stop token to stop.
    ///
    /// @par Blocking
    /// While a bounded queue is full, if the pool blocks then.
    ///
    /// @par Errors
    /// `shutdown_error`, `queue_full_error`, `broken_process_pool`, and `quarantined_error` for a
    /// call that has killed too many workers. The future fails with the exception of the call, or
    /// with `worker_died` if its worker ended meanwhile.
    ///
    /// @par Exception safety
    /// Strong: if `submit` throws, nothing was queued.
    ///
    /// @par Lifetime
    /// Function and arguments may be destroyed as soon as `submit` has returned. The future may
    /// outlive the pool.
    ///
    /// @par Example
    /// @code
    /// ferry::process_pool pool({.max_workers = 2});
    /// ferry::future<int> primes = pool.submit(count_primes, 1000);
    /// try {
    ///     count = primes.result();
    /// } catch (const ferry::worker_died& e) { // a crash costs this task only
    ///     std::cerr << e.what() << '\n';
    /// }
    /// @endcode
    ///
    /// @par See also
    /// `thread_pool::submit`; `run_in_executor` for coroutines.
    template <class F, class... A>
        requires process_offloadable<F, A...>
    auto submit(F&& fn, A&&... args) {
        const std::decay_t<F>& f = fn; // a function becomes a pointer
        return detail::access::make(
            detail::submit_remotely(host_, detail::entrance::thread, nullptr, f, args...));
    }

    /// Runs `fn(args...)` in a worker process as `options` say: a `timeout` ends the worker and
    /// replaces it; an `idempotent` call whose worker has died goes back to the queue, in front of
    /// those of its priority, until it was started `attempts` times. Otherwise as the overload
    /// without options.
    ///
    /// @par Errors
    /// `std::invalid_argument` for `attempts` of 0.
    template <class F, class... A>
        requires process_offloadable<F, A...>
    auto submit(task_options options, F&& fn, A&&... args) {
        const std::decay_t<F>& f = fn; // a function becomes a pointer
        return detail::access::make(
            detail::submit_remotely(host_, detail::entrance::thread, &options, f, args...));
    }

    /// Queues each callable of a range and returns their futures in the same order. Cheaper than as
    /// many calls of `submit`, because the queue is locked, and the pool woken, once for all.
    /// A callable that cannot be encoded, is quarantined, or is refused by a bounded pool fails its
    /// own future. Otherwise as `thread_pool::submit_bulk`.
    template <std::ranges::input_range Range>
        requires process_offloadable<std::ranges::range_value_t<Range>> && detail::mappable<Range>
    auto submit_bulk(Range&& callables) {
        using call = std::ranges::range_value_t<Range>;
        using result = std::remove_cv_t<offload_result_t<call>>;
        std::vector<future<result>> futures;
        std::vector<detail::remote_call_ptr> calls;
        host_->check_open();
        for (auto&& fn : callables) {
            const call f(std::forward<decltype(fn)>(fn));
            auto prepared = detail::prepare_remotely(host_, nullptr, f);
            if (prepared.call != nullptr)
                calls.push_back(std::move(prepared.call));
            futures.push_back(detail::access::make(std::move(prepared.state)));
        }
        host_->submit_all(calls);
        return futures;
    }

    /// Calls `fn` in worker processes for each element of a range, or for each group of elements of
    /// several ranges, and returns a lazy view of the results in the order of the input (see
    /// `map_view`).
    ///
    /// `chunksize` elements travel and run together: a worker's death fails all of its chunk, an
    /// exception only its element. Otherwise as `thread_pool::map`.
    ///
    /// @par Example
    /// @code
    /// for (int count : pool.map({.chunksize = 64}, count_primes, std::views::iota(1, 200)))
    ///     sum += count;
    /// @endcode
    template <class F, std::ranges::input_range... Ranges>
        requires detail::mappable<Ranges...> &&
                 process_offloadable<F, std::ranges::range_value_t<Ranges>...>
    auto map(F fn, Ranges&&... ranges) {
        return detail::map_remotely(host_, {}, std::move(fn), std::forward<Ranges>(ranges)...);
    }

    /// Calls `fn` in worker processes for each element, as `options` say. Otherwise as the overload
    /// without options.
    template <class F, std::ranges::input_range... Ranges>
        requires detail::mappable<Ranges...> &&
                 process_offloadable<F, std::ranges::range_value_t<Ranges>...>
    auto map(map_options options, F fn, Ranges&&... ranges) {
        return detail::map_remotely(host_, options, std::move(fn), std::forward<Ranges>(ranges)...);
    }

    /// Stops accepting tasks: afterwards `submit` throws `shutdown_error`. Tasks that are queued
    /// still run, unless `cancel_futures` is set; then the workers end. Idempotent.
    ///
    /// @par Blocking
    /// With `wait`, until every worker has ended and the callbacks have run.
    ///
    /// @par Errors
    /// `would_deadlock` with `wait` from one of the pool's own callbacks.
    void shutdown(shutdown_options options = {});
    /// Stops accepting tasks and waits at most `limit` for the tasks to finish, then cancels those
    /// that have not started and kills the workers that are still busy; their tasks fail with
    /// `worker_died`. A callback that takes longer than `limit`, and than a second, is left behind
    /// in its thread and reported as stuck.
    ///
    /// @par Errors
    /// `would_deadlock` from one of the pool's own callbacks.
    shutdown_report shutdown(timeout limit);

    /// Shuts down and ends the workers: queued tasks are cancelled, running ones fail with
    /// `worker_died`. Sends SIGTERM, and SIGKILL after `kill_grace`. Idempotent.
    ///
    /// @par Blocking
    /// Until the workers have ended.
    void terminate_workers();

    /// Shuts down and kills the workers: as `terminate_workers`, but with SIGKILL at once.
    void kill_workers();

    /// Ends all quarantines, and forgets the deaths that could lead to one.
    ///
    /// @par Blocking
    /// Never.
    void pardon_all();

    /// Returns the maximum number of worker processes.
    std::size_t max_workers() const noexcept;

    /// Returns the name of the pool.
    const std::string& name() const noexcept;

    /// Returns a snapshot of the counts of workers and tasks.
    pool_stats stats() const;

    /// Returns the counts of the tasks for each label; `workers` and `idle` are 0.
    ///
    /// A task without a label counts under `file:line` of the `task_options` that were given, else
    /// under the symbol of the function pointer, or the name of the callable's type. The first 1000
    /// labels of a pool are kept apart; all others count as `other`.
    ///
    /// @par Blocking
    /// Briefly. The first time, symbols are read from the executable files.
    std::map<std::string, pool_stats, std::less<>> stats_by_label() const;

private:
    friend struct detail::process_pool_access;

    std::shared_ptr<detail::call_host> host_;
    detail::process_core* core_; // which is what host_ owns
};

namespace detail {

/// Reaches the host of the calls of a pool, for the parts of Ferry that build on it.
struct process_pool_access {
    static const std::shared_ptr<call_host>& host(const process_pool& pool) noexcept {
        return pool.host_;
    }
};

} // namespace detail

} // namespace ferry
