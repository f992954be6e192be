// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <ferry/cluster/detail/cluster_call.hpp>
#include <ferry/cluster/options.hpp>
#include <ferry/config.hpp>
#include <ferry/pool_options.hpp>
#include <ferry/stats.hpp>

#include <functional>
#include <map>
#include <memory>
#include <ranges>
#include <string>

namespace ferry {
namespace detail {
struct cluster_pool_access;
}
namespace detail::cluster {
class cluster_core;
} // namespace detail::cluster

/// A pool whose workers are on other machines, reached through a RabbitMQ broker. It has the
/// interface of `process_pool`; what can be submitted is the same, and functions must be named with
/// `allow_remote`. Worker hosts run `serve_cluster_worker`, in the same program.
///
/// The constructor does not wait for the broker: tasks wait until it can be reached. The pool
/// connects again by itself, and asks the hosts what has become of its tasks.
///
/// @par Executor
/// Tasks run in the worker processes of a host. Callbacks of their futures run in a thread of the
/// pool that does no input or output.
///
/// @par Blocking
/// The destructor is `shutdown()` with wait: until every task has its outcome, however long it
/// waits for a host.
///
/// @par Lifetime
/// Futures may outlive the pool.
///
/// @par Thread safety
/// All members except the destructor may be called from any thread at any time.
///
/// @par Example
/// @code
/// ferry::cluster_pool pool({.url = "amqps://ferry@broker.example/work",
///                           .password_file = "/etc/thumbs/password",
///                           .application = "thumbs"});
/// ferry::future<int> primes = pool.submit(count_primes, 1000);
/// @endcode
class FERRY_DECL cluster_pool {
public:
    /// Makes a pool. Connections are made with the first task.
    ///
    /// @par Errors
    /// `std::invalid_argument` naming an option that cannot be used.
    explicit cluster_pool(cluster_options options);

    /// Shuts the pool down and waits until all tasks have ended.
    ~cluster_pool();
    cluster_pool(const cluster_pool&) = delete;
    cluster_pool& operator=(const cluster_pool&) = delete;

    /// Runs `fn(args...)` on a worker host and returns the future of its result. As
    /// `process_pool::submit`, except as noted below.
    ///
    /// @par Cancellation
    /// `future::cancel` is true unless a host has reported that the task has started. For a cluster
    /// that means that the result is dropped, not that nothing ran.
    ///
    /// @par Blocking
    /// While the queue is full, unless `when_full` is `reject`.
    ///
    /// @par Errors
    /// `shutdown_error`, `broken_cluster_pool`, `queue_full_error`; `std::invalid_argument` for a
    /// function that `allow_remote` does not name, and for arguments that are larger than
    /// `max_message`. The future fails with the exception of the call; with `worker_died` if its
    /// worker or host ended, or may have, while it ran the task; with `no_worker_error` if there
    /// was no host, or no broker, in time.
    ///
    /// @par Exception safety
    /// Strong: if `submit` throws, nothing was queued.
    template <class F, class... A>
        requires process_offloadable<F, A...>
    auto submit(F&& fn, A&&... args) {
        const std::decay_t<F>& f = fn; // a function becomes a pointer
        return detail::access::make(
            detail::submit_to_cluster(host(), detail::entrance::thread, nullptr, f, args...));
    }

    /// Runs `fn(args...)` on a worker host as `options` say. Otherwise as the overload without
    /// options.
    ///
    /// `priority` goes from -5 to 4; values beyond are clamped. An `idempotent` task is run again
    /// if its worker or its host dies, up to `attempts` starts in all.
    template <class F, class... A>
        requires process_offloadable<F, A...>
    auto submit(task_options options, F&& fn, A&&... args) {
        const std::decay_t<F>& f = fn; // a function becomes a pointer
        return detail::access::make(
            detail::submit_to_cluster(host(), detail::entrance::thread, &options, f, args...));
    }

    /// Calls `fn` on worker hosts for each element of a range, or for each group of elements of
    /// several ranges. As `process_pool::map`.
    template <class F, std::ranges::input_range... Ranges>
        requires detail::mappable<Ranges...> &&
                 process_offloadable<F, std::ranges::range_value_t<Ranges>...>
    auto map(F fn, Ranges&&... ranges) {
        return detail::map_on_cluster(host(), {}, std::move(fn), std::forward<Ranges>(ranges)...);
    }

    /// Calls `fn` on worker hosts for each element, as `options` say. Otherwise as the overload
    /// without options.
    template <class F, std::ranges::input_range... Ranges>
        requires detail::mappable<Ranges...> &&
                 process_offloadable<F, std::ranges::range_value_t<Ranges>...>
    auto map(map_options options, F fn, Ranges&&... ranges) {
        return detail::map_on_cluster(host(), options, std::move(fn),
                                      std::forward<Ranges>(ranges)...);
    }

    /// Stops accepting tasks: afterwards `submit` throws `shutdown_error`. Tasks that were
    /// submitted still run, unless `cancel_futures` is set. Idempotent.
    ///
    /// @par Blocking
    /// With `wait`, until all tasks have ended and the callbacks have run.
    ///
    /// @par Errors
    /// `would_deadlock` with `wait` from one of the pool's own callbacks.
    void shutdown(shutdown_options options = {});
    /// Stops accepting tasks and waits at most `limit` for the tasks to finish, then cancels those
    /// that have not started and gives up those that run; these fail with `worker_died`, and their
    /// hosts are told to end them. A callback that takes longer than `limit`, and than a second, is
    /// left behind in its thread and reported as stuck.
    ///
    /// @par Errors
    /// `would_deadlock` from one of the pool's own callbacks.
    shutdown_report shutdown(timeout limit);

    /// Returns the number of workers of the hosts that are known to serve this pool's queue; 0
    /// before one has answered.
    std::size_t max_workers() const noexcept;

    /// Returns the name of the pool.
    const std::string& name() const noexcept;

    /// Returns a snapshot: the workers are those of the hosts that are known, the tasks are this
    /// pool's. A task counts as running once a host has reported the start.
    pool_stats stats() const;

    /// Returns the counts of this pool's tasks for each label, as `process_pool::stats_by_label`;
    /// `workers` and `idle` are 0.
    std::map<std::string, pool_stats, std::less<>> stats_by_label() const;

private:
    friend struct detail::cluster_pool_access;
    std::shared_ptr<detail::cluster_host> host() const noexcept;

    std::shared_ptr<detail::cluster::cluster_core> core_;
};

namespace detail {

/// Reaches the tasks' side of a pool, for the parts of Ferry that build on it.
struct cluster_pool_access {
    static std::shared_ptr<cluster_host> host(const cluster_pool& pool) noexcept {
        return pool.host();
    }
};

} // namespace detail
} // namespace ferry
