// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <ferry/config.hpp>
#include <ferry/detail/posted_function.hpp>
#include <ferry/detail/submit_to.hpp>
#include <ferry/stats.hpp>
#include <ferry/thread_pool_options.hpp>

#include <boost/asio/execution.hpp>
#include <boost/asio/execution_context.hpp>

#include <concepts>
#include <functional>
#include <map>
#include <memory>
#include <ranges>
#include <string>
#include <vector>

namespace ferry {

namespace detail {

template <class Range>
concept range_with_elements_that_can_be_copied__or_moved_from_a_view =
    std::constructible_from<std::ranges::range_value_t<Range>,
                            std::ranges::range_reference_t<Range>>;

/// Ranges that `map` can read.
template <class... Ranges>
concept mappable = (sizeof...(Ranges) > 0) && (std::ranges::viewable_range<Ranges> && ...) &&
                   (range_with_elements_that_can_be_copied__or_moved_from_a_view<Ranges> && ...);

} // namespace detail

/// A pool of threads that run blocking calls. Threads start on demand, and an idle one is reused
/// before another is started.
///
/// Options are named in the constructor: `ferry::thread_pool pool({.max_workers = 4});`.
///
/// After `fork()`, the parent's pools behave in the child as if they had been shut down: they have
/// no threads, and futures of tasks that were running stay pending.
///
/// @par Executor
/// Tasks, and the done-callbacks of their futures, run on the pool's threads.
///
/// @par Blocking
/// The destructor is `shutdown()` with wait; if it runs on one of the pool's own workers, that
/// worker is detached instead of joined.
///
/// @par Lifetime
/// Futures may outlive the pool.
///
/// @par Thread safety
/// All members except the destructor may be called from any thread at any time.
///
/// @par See also
/// Python's `ThreadPoolExecutor`; as an execution context, `boost::asio::thread_pool`.
class FERRY_DECL thread_pool : public boost::asio::execution_context {
public:
    class executor_type;

    /// Makes a pool without any thread yet. Throws `std::invalid_argument` naming an option that is
    /// out of range.
    explicit thread_pool(thread_pool_options options = {});

    /// Makes a pool with at most `max_workers` threads and defaults otherwise.
    explicit thread_pool(std::size_t max_workers);

    /// Shuts the pool down and waits until all tasks have run and all threads have ended.
    ~thread_pool();
    thread_pool(const thread_pool&) = delete;
    thread_pool& operator=(const thread_pool&) = delete;

    /// Queues `fn(args...)` and returns the future of its result.
    ///
    /// Function and arguments are decay-copied as for `std::thread`. The call gets a
    /// `std::stop_token` as its first argument if and only if it is not valid without one.
    ///
    /// @par Executor
    /// The call runs on one of the pool's threads, and so do the callbacks of its future, unless
    /// the future is cancelled by another one.
    ///
    /// @par Cancellation
    /// `future::cancel` keeps a call that has not started from running; `future::request_stop` asks
    /// a running one that takes a stop token to stop.
    ///
    /// @par Blocking
    /// While a bounded queue is full, if the pool blocks then; never if called from one of the
    /// pool's own workers.
    ///
    /// @par Errors
    /// `shutdown_error`, `queue_full_error` and `broken_thread_pool`; `std::system_error` if no
    /// thread can be created and none exists. An exception of the call itself is the result of the
    /// future.
    ///
    /// @par Exception safety
    /// Strong: if `submit` throws, nothing was queued.
    ///
    /// @par Lifetime
    /// The call owns the copies of `fn` and `args`, which are destroyed before the future is ready.
    /// The future may outlive the pool.
    ///
    /// @par Example
    /// @code
    /// ferry::thread_pool pool({.max_workers = 4});
    /// ferry::future<std::string> text = pool.submit(read_file, "data.txt");
    /// std::string contents = text.result(); // rethrows an exception of read_file
    /// @endcode
    ///
    /// @par See also
    /// The free function `submit` for strands and other executors; `run_in_executor` for
    /// coroutines.
    template <class F, class... A>
        requires offloadable<F, A...>
    future<offload_result_t<F, A...>> submit(F&& fn, A&&... args) {
        return detail::access::make(detail::submit_to(*core_, detail::entrance::thread, nullptr,
                                                      std::forward<F>(fn),
                                                      std::forward<A>(args)...));
    }

    /// Queues `fn(args...)` to be run as `options` say, with a label, a priority, a timeout or a
    /// latest start time. Otherwise as the overload without options.
    template <class F, class... A>
        requires offloadable<F, A...>
    future<offload_result_t<F, A...>> submit(task_options options, F&& fn, A&&... args) {
        return detail::access::make(detail::submit_to(*core_, detail::entrance::thread, &options,
                                                      std::forward<F>(fn),
                                                      std::forward<A>(args)...));
    }

    /// Queues each callable of a range and returns their futures in the same order. Cheaper than as
    /// many calls of `submit`, because the queue is locked, and workers are woken, once for all.
    ///
    /// @par Blocking
    /// While the queue of a bounded pool is full, if the pool blocks then.
    ///
    /// @par Errors
    /// `shutdown_error`, `broken_thread_pool`, `std::system_error` as for `submit`; any exception
    /// of the range. If a bounded pool refuses a callable, its future holds `queue_full_error`.
    ///
    /// @par Exception safety
    /// Strong: if `submit_bulk` throws, nothing was queued.
    ///
    /// @par Lifetime
    /// The callables are copied, or moved if the range gives rvalues.
    ///
    /// @par Example
    /// @code
    /// std::vector<std::function<int()>> calls(8, answer);
    /// for (const ferry::future<int>& f : pool.submit_bulk(calls))
    ///     total += static_cast<std::size_t>(f.result());
    /// @endcode
    template <std::ranges::input_range Range>
        requires offloadable<std::ranges::range_value_t<Range>> && detail::mappable<Range>
    auto submit_bulk(Range&& callables) {
        using call = std::ranges::range_value_t<Range>;
        using result = offload_result_t<call>;
        std::vector<future<result>> futures;
        std::vector<detail::shared_state_base*> tasks;
        if constexpr (std::ranges::sized_range<Range>) {
            futures.reserve(std::ranges::size(callables));
            tasks.reserve(std::ranges::size(callables));
        }
        for (auto&& fn : callables) {
            auto t = detail::make_state<detail::task_for<call>>(std::forward<decltype(fn)>(fn));
            detail::keep_context(*t);
            tasks.push_back(t.get());
            futures.push_back(detail::access::make<result>(std::move(t)));
        }
        detail::enqueue_all(*core_, tasks);
        return futures;
    }

    /// Calls `fn` for each element of a range, or for each group of elements of several ranges up
    /// to the end of the shortest, and returns a lazy single-pass view of the results in the order
    /// of the input (see `map_view`).
    ///
    /// @par Executor
    /// The calls run on the pool's threads. The ranges are read in the thread that calls `map` or
    /// reads the view.
    ///
    /// @par Cancellation
    /// Destroying a view that has been read from cancels the calls that have not started.
    ///
    /// @par Blocking
    /// While a bounded queue is full, if the pool blocks then. Reading the view waits for the
    /// results.
    ///
    /// @par Errors
    /// `std::invalid_argument` for an option out of range; those of `submit`; any exception of the
    /// ranges. An exception of a call is thrown when its element is read.
    ///
    /// @par Lifetime
    /// Elements are copied into the calls; ranges are held by `std::views::all`, so that an lvalue
    /// range must live until it has been read. The view may outlive the pool.
    ///
    /// @par Example
    /// @code
    /// for (const std::string& text : pool.map({.buffersize = 8}, read_file, paths))
    ///     total += text.size();
    /// @endcode
    ///
    /// @par See also
    /// Python's `Executor.map`.
    template <class F, std::ranges::input_range... Ranges>
        requires detail::mappable<Ranges...> &&
                 offloadable<F, std::ranges::range_value_t<Ranges>...>
    auto map(F fn, Ranges&&... ranges);

    /// Calls `fn` for each element with a timeout for all of the `map`, or with a bound for how far
    /// input is read ahead. Otherwise as the overload without options.
    template <class F, std::ranges::input_range... Ranges>
        requires detail::mappable<Ranges...> &&
                 offloadable<F, std::ranges::range_value_t<Ranges>...>
    auto map(map_options options, F fn, Ranges&&... ranges);

    /// Stops accepting tasks: afterwards `submit` throws `shutdown_error`. Tasks that are queued
    /// still run, unless `cancel_futures` is set. Idempotent.
    ///
    /// @par Blocking
    /// With `wait`, until every thread has ended.
    ///
    /// @par Errors
    /// `would_deadlock` with `wait` from one of the pool's own tasks or callbacks.
    void shutdown(shutdown_options options = {});
    /// Stops accepting tasks and waits at most `limit`, then cancels all tasks that have not
    /// started and detaches the threads that are still running. Detached threads share ownership of
    /// the pool's state; nothing waits for them again.
    ///
    /// Asio's strands are an exception: a thread that was left behind in a function of a strand
    /// returns into that strand, which ends with the pool, so the pool must outlive it.
    ///
    /// @par Blocking
    /// At most `limit`, apart from the callbacks and destructors of the tasks that it cancels. With
    /// a finalizer 100 ms more, in which threads that had nothing to do at that time run it; if it
    /// then still runs, they are stuck, too.
    ///
    /// @par Errors
    /// `would_deadlock` from one of the pool's own tasks or callbacks.
    shutdown_report shutdown(timeout limit);

    /// Returns the maximum number of worker threads.
    std::size_t max_workers() const noexcept;

    /// Returns the name of the pool.
    const std::string& name() const noexcept;

    /// Returns a snapshot of the counts of workers and tasks.
    ///
    /// @par Complexity
    /// Linear in the number of workers, and of tasks that wait in front of strands of this pool.
    pool_stats stats() const;

    /// Returns the counts of the tasks for each label; `workers` and `idle` are 0.
    ///
    /// A task without a label counts under `file:line` of the `task_options` that were given, else
    /// under the symbol of the function pointer, or the name of the callable's type. The first 1000
    /// labels of a pool are kept apart; all others count as `other`.
    ///
    /// @par Blocking
    /// Briefly. The first time, symbols are read from the executable files.
    ///
    /// @par Complexity
    /// Linear in the number of queued tasks, of labels and of workers.
    std::map<std::string, pool_stats, std::less<>> stats_by_label() const;

    /// Returns an Asio executor of the pool.
    ///
    /// Functions posted through it do not count as tasks and ignore the bound of the queue.
    /// Functions posted after shutdown are destroyed unrun. An exception that escapes a posted
    /// function goes to the handler installed by `set_unhandled_callback`.
    executor_type get_executor() noexcept;

private:
    friend struct detail::pool_access;

    std::shared_ptr<detail::pool_core> core_;
};

namespace detail {

/// Reaches the core of a pool, for the parts of Ferry that build on it.
struct pool_access {
    static const std::shared_ptr<pool_core>& core(const thread_pool& pool) noexcept {
        return pool.core_;
    }
};

} // namespace detail

/// The executor of a pool, for `post`, `dispatch`, `defer`, `co_spawn`, `make_strand` and
/// `any_io_executor`. Work guards do not delay the shutdown of the pool.
///
/// @par Blocking
/// Never, apart from starting a thread. On one of the pool's workers `dispatch` runs the function
/// immediately.
///
/// @par Lifetime
/// The pool must outlive the use of its executors.
///
/// @par Thread safety
/// Safe.
class FERRY_DECL thread_pool::executor_type {
    using blocking_t = boost::asio::execution::blocking_t;
    using relationship_t = boost::asio::execution::relationship_t;
    using outstanding_work_t = boost::asio::execution::outstanding_work_t;

public:
    /// The properties of Asio's executor model: the context is the pool, functions run in threads,
    /// and `blocking` is possibly or never.
    thread_pool& query(boost::asio::execution::context_t) const noexcept { return *pool_; }
    static constexpr boost::asio::execution::mapping_t
    query(boost::asio::execution::mapping_t) noexcept {
        return boost::asio::execution::mapping.thread;
    }
    constexpr blocking_t query(blocking_t) const noexcept {
        return may_run_here_ ? blocking_t(blocking_t::possibly) : blocking_t(blocking_t::never);
    }
    static constexpr relationship_t query(relationship_t) noexcept { return relationship_t::fork; }
    static constexpr outstanding_work_t query(outstanding_work_t) noexcept {
        return outstanding_work_t::untracked;
    }

    constexpr executor_type require(blocking_t::possibly_t) const noexcept {
        return executor_type(*pool_, true);
    }
    constexpr executor_type require(blocking_t::never_t) const noexcept {
        return executor_type(*pool_, false);
    }
    constexpr executor_type require(relationship_t::fork_t) const noexcept { return *this; }
    constexpr executor_type require(relationship_t::continuation_t) const noexcept { return *this; }
    constexpr executor_type require(outstanding_work_t::tracked_t) const noexcept { return *this; }
    constexpr executor_type require(outstanding_work_t::untracked_t) const noexcept {
        return *this;
    }

    /// Returns true if the calling thread is one of the pool's workers.
    bool running_in_this_thread() const noexcept {
        return detail::on_worker_of(detail::pool_access::core(*pool_).get());
    }

    /// Posts a function to the pool, or calls it at once if `blocking` is possibly and the calling
    /// thread is a worker of the pool.
    template <class F>
    void execute(F&& f) const {
        if (may_run_here_ && running_in_this_thread()) {
            std::decay_t<F> function(std::forward<F>(f));
            function();
            return;
        }
        detail::post(*detail::pool_access::core(*pool_),
                     *new detail::posted_function<std::decay_t<F>>(std::forward<F>(f)));
    }

    friend bool operator==(const executor_type& a, const executor_type& b) noexcept {
        return a.pool_ == b.pool_ && a.may_run_here_ == b.may_run_here_;
    }
    friend bool operator!=(const executor_type& a, const executor_type& b) noexcept {
        return !(a == b);
    }

private:
    friend class thread_pool;
    constexpr executor_type(thread_pool& pool, bool may_run_here) noexcept
        : pool_(&pool), may_run_here_(may_run_here) {}

    thread_pool* pool_;
    bool may_run_here_;
};

inline thread_pool::executor_type thread_pool::get_executor() noexcept {
    return executor_type(*this, true);
}

} // namespace ferry
