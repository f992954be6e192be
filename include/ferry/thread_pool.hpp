// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <ferry/detail/posted_function.hpp>
#include <ferry/detail/task.hpp>
#include <ferry/pool_options.hpp>
#include <ferry/stats.hpp>
#include <ferry/task_options.hpp>

#include <boost/asio/execution.hpp>
#include <boost/asio/execution_context.hpp>

#include <concepts>
#include <functional>
#include <memory>
#include <optional>
#include <ranges>
#include <string>
#include <vector>

namespace ferry {

namespace detail {

/// Whether max_queue applies. The bridge never blocks an event loop: its calls keep their place in
/// line beyond the limit.
enum class bounded { no, yes };

/// Queues one that nobody else knows yet, and shares ownership.
void enqueue(pool_core& core, shared_state_base& t, bounded b);
/// Queues a function without a future; destroys it unrun after shutdown. Where no thread can be
/// started for it, it waits until one can.
void post(pool_core& core, work_item& r) noexcept;
/// Throws what `submit` would where the pool accepts nothing any more.
void throw_if_closed(pool_core& core);
/// False where a timer is needed and its thread cannot be started: then that is the outcome.
bool set_options(shared_state_base& t, task_options& options);

template <class F, class... A>
future<offload_result_t<F, A...>> submit_to(pool_core& core, bounded b, task_options* options,
                                            F&& fn, A&&... args) {
    using block = task_for<F, A...>;
    auto t = make_state<block>(std::forward<F>(fn), std::forward<A>(args)...);
    if (options == nullptr || set_options(*t, *options))
        enqueue(core, *t, b);
    return detail::access::make<offload_result_t<F, A...>>(std::move(t));
}

} // namespace detail

namespace detail {

template <class Range>
concept range_with_elements_that_can_be_copied__or_moved_from_a_view =
    std::constructible_from<std::ranges::range_value_t<Range>,
                            std::ranges::range_reference_t<Range>>;

/// Ranges that `map` can read.
template <class... Ranges>
concept mappable =
    (sizeof...(Ranges) > 0) && (std::ranges::viewable_range<Ranges> && ...) &&
    (range_with_elements_that_can_be_copied__or_moved_from_a_view<Ranges> && ...);

} // namespace detail

struct thread_pool_options {
    /// Most threads at a time; 1 to 65536.
    std::size_t max_workers = io_bound_workers();
    /// Names of the threads: the prefix, cut so that the number fits the kernel's 15 characters.
    std::string thread_name_prefix = {};
    /// Runs once in each worker before its first task; what it throws breaks the pool. All workers
    /// share the one object.
    std::function<void()> initializer = {};
    /// Runs once in each worker that was initialised, before it ends.
    std::function<void()> finalizer = {};
    /// Most tasks that wait in the queue; 0 is no limit. Posted functions do not count.
    std::size_t max_queue = 0;
    /// What `submit` does then. Ignored for the pool's own workers, whose tasks are always taken.
    ferry::when_full when_full = ferry::when_full::block;
    /// A worker that was idle for so long ends; the next task starts another.
    ferry::timeout idle_timeout = {};
    /// How long an idle worker looks for work before it sleeps, at the cost of processor time. 0
    /// leaves it to the pool, which looks for some microseconds where that paid lately, and never
    /// on the processor that the work comes from. No limit counts as 0.
    ferry::timeout spin = std::chrono::nanoseconds(0);
};

/// Threads that run blocking calls. Threads start on demand and an idle one is reused first.
/// `ferry::thread_pool pool({.max_workers = 4});` names an option. Thread safety: all members are
/// safe to call from any thread, the destructor excepted. Lifetime: futures outlive the pool.
/// Blocking: the destructor is `shutdown()` with wait; reached on one of the pool's own workers it
/// detaches that worker. In a child of fork() a pool of the parent's is as if it was shut down: it
/// has no threads there, and what it was running stays pending. Source: Python's
/// `ThreadPoolExecutor`; as an execution context, `boost::asio::thread_pool`.
class thread_pool : public boost::asio::execution_context {
public:
    class executor_type;

    /// Errors: `std::invalid_argument` that names the option.
    explicit thread_pool(thread_pool_options options = {});
    explicit thread_pool(std::size_t max_workers);
    ~thread_pool();
    thread_pool(const thread_pool&) = delete;
    thread_pool& operator=(const thread_pool&) = delete;

    /// Queues `fn(args...)`, decay-copied as `std::thread` does, with a `std::stop_token` first if
    /// and only if it is not callable without one.
    /// Errors: `shutdown_error`, `queue_full_error`, `broken_thread_pool`; `std::system_error` when
    /// no thread can be created and none exists. Nothing is queued then.
    /// Blocking: while the bounded queue is full, unless called from one of the pool's workers.
    template <class F, class... A>
        requires offloadable<F, A...>
    future<offload_result_t<F, A...>> submit(F&& fn, A&&... args) {
        return detail::submit_to(*core_, detail::bounded::yes, nullptr, std::forward<F>(fn),
                                 std::forward<A>(args)...);
    }
    template <class F, class... A>
        requires offloadable<F, A...>
    future<offload_result_t<F, A...>> submit(task_options options, F&& fn, A&&... args) {
        return detail::submit_to(*core_, detail::bounded::yes, &options, std::forward<F>(fn),
                                 std::forward<A>(args)...);
    }

    /// The results of `fn` for each element, or for each group of elements of several ranges, as a
    /// lazy single-pass view in the order of the input; see `<ferry/map.hpp>`, which defines it.
    template <class F, std::ranges::input_range... Ranges>
        requires detail::mappable<Ranges...> && offloadable<F, std::ranges::range_value_t<Ranges>...>
    auto map(F fn, Ranges&&... ranges);
    template <class F, std::ranges::input_range... Ranges>
        requires detail::mappable<Ranges...> && offloadable<F, std::ranges::range_value_t<Ranges>...>
    auto map(map_options options, F fn, Ranges&&... ranges);

    /// Afterwards `submit` throws `shutdown_error`. Idempotent. With `cancel_futures` what has not
    /// started is cancelled. Blocking: with `wait`, until every thread has ended.
    /// Errors: `would_deadlock` with `wait` from one of the pool's own tasks or callbacks.
    void shutdown(shutdown_options options = {});
    /// Waits no longer than that; then cancels what has not started, and detaches the threads that
    /// still run something: they share ownership of what they use, and nothing waits for them
    /// again. Except for Asio's strands: a thread that was left behind in a function of a strand
    /// goes back into that strand, which ends with the pool, so the pool must outlive it. Errors:
    /// `would_deadlock` from one of the pool's own tasks or callbacks.
    shutdown_report shutdown(timeout limit);

    std::size_t max_workers() const noexcept;
    pool_stats stats() const;

    /// Posted functions count neither against max_queue nor as tasks; posted after shutdown they
    /// are destroyed unrun; what they throw goes to `set_unhandled_callback`'s hook.
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

/// A full Asio executor: `post`, `dispatch`, `defer`, `co_spawn`, `make_strand`, `any_io_executor`.
/// Thread safety: safe. Lifetime: the pool outlives its use. Blocking: never, but for starting a
/// thread; `dispatch` on one of the pool's workers runs at once. Work guards do not delay shutdown.
class thread_pool::executor_type {
    using blocking_t = boost::asio::execution::blocking_t;
    using relationship_t = boost::asio::execution::relationship_t;
    using outstanding_work_t = boost::asio::execution::outstanding_work_t;

public:
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

    /// True in one of the pool's workers.
    bool running_in_this_thread() const noexcept {
        return detail::on_worker_of(detail::pool_access::core(*pool_).get());
    }

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
