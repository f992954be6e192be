// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <ferry/config.hpp>
#include <ferry/detail/adaptive_mutex.hpp>
#include <ferry/detail/context_executor.hpp>
#include <ferry/detail/scope_exit.hpp>
#include <ferry/detail/visit_strand.hpp>
#include <ferry/thread_pool.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/execution/blocking.hpp>
#include <boost/asio/execution/executor.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/is_executor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/query.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/thread_pool.hpp>

#include <concepts>

namespace ferry {
namespace detail {

/// Whether `asio::post` takes it.
template <class E>
inline constexpr bool is_asio_executor =
    (boost::asio::execution::is_executor<E>::value &&
     boost::asio::can_require<E, boost::asio::execution::blocking_t::never_t>::value) ||
    boost::asio::is_executor<E>::value;

template <class C>
concept asio_context = std::convertible_to<C&, boost::asio::execution_context&> &&
                       requires(C& c) { c.get_executor(); };

/// Contexts and pools are kept by address, executors are copied.
template <class Where>
concept no_temporary_pool_or_context__give_it_a_name =
    std::is_lvalue_reference_v<Where> || is_asio_executor<std::remove_cvref_t<Where>>;

template <class Where>
concept context_that_stays = asio_context<std::remove_reference_t<Where>> &&
                             no_temporary_pool_or_context__give_it_a_name<Where>;

template <class E>
concept executor_of_an_execution_context = requires(const E& ex) {
    {
        boost::asio::query(ex, boost::asio::execution::context)
    } -> std::convertible_to<boost::asio::execution_context&>;
};

/// The core of the Ferry pool that this context is, or null.
FERRY_DECL std::shared_ptr<pool_core> pool_of(boost::asio::execution_context& context);
/// Counts an external task as work of the pool. Throws the exception of `submit` if the pool
/// accepts nothing any more.
FERRY_DECL void on_work_started(pool_core& core, shared_state_base& t);
/// As `on_work_started`, but returns false instead of throwing.
FERRY_DECL bool try_on_work_started(pool_core& core, shared_state_base& t);
/// Ends what `on_work_started` began.
FERRY_DECL void on_work_finished(pool_core& core, shared_state_base& t) noexcept;

/// Limits the wait of a task for its start if the pool has a `max_wait`. Returns false as
/// `set_options` does.
FERRY_DECL bool limit_wait(pool_core& core, shared_state_base& t, entrance e);
/// Lets an external task, whose work has started, into the queue of its pool, now or later; then it
/// is passed to its executor. Errors: what `submit` throws when the pool refuses it.
FERRY_DECL void admit_external(pool_core& core, shared_state_base& t, entrance e);
/// Takes an external task that is about to start out of the queue of its pool.
FERRY_DECL void external_left_queue(pool_core& core, shared_state_base& t) noexcept;

/// True when the calling thread runs a function of this executor, where it is a strand.
template <class E>
bool inside_strand(const E&) noexcept {
    return false;
}
template <class Inner>
bool inside_strand(const boost::asio::strand<Inner>& s) noexcept {
    return s.running_in_this_thread();
}
inline bool inside_strand(const boost::asio::any_io_executor& ex) noexcept {
    const auto* const c = ex.target<context_executor>();
    if (c != nullptr)
        return inside_strand(c->inner());
    bool inside = false;
    visit_strand<thread_pool::executor_type>(
        ex, [&inside](const auto& s) { inside = s.running_in_this_thread(); });
    return inside;
}

template <class Task>
class external_task;

/// A task that an executor other than a pool runs. It lets go of the executor when that has run it
/// or destroyed it, because its future may outlive the executor's context.
template <class E, class F, class... A>
class executor_task final : public task_for<F, A...>, public external_entry {
public:
    template <class F2, class... A2>
    explicit executor_task(const E& ex, F2&& f, A2&&... a)
        : task_for<F, A...>(std::forward<F2>(f), std::forward<A2>(a)...), executor_(ex) {}

    external_entry* external() noexcept override { return this; }

    void leave_executor() noexcept {
        std::optional<E> last;
        const scoped_lock lock(mutex_);
        last.swap(executor_);
    }

    /// For a bounded pool: keeps it until the task enters.
    void stand_for(std::shared_ptr<pool_core> core) noexcept { core_ = std::move(core); }

private:
    void enter() noexcept override {
        external_task<executor_task> mine(boost::intrusive_ptr<executor_task>(this, false),
                                          std::move(core_));
        try {
            std::optional<E> ex;
            {
                const scoped_lock lock(mutex_);
                ex.emplace(*executor_);
            }
            boost::asio::post(*ex, std::move(mine));
        } catch (const std::exception&) { // it has failed, as its posted function was destroyed
        }
    }
    void stay_out() noexcept override {
        leave_executor();
        core_ = nullptr;
    }
    void check_wait() const override {
        task_for<F, A...>::check_wait();
        std::optional<E> ex;
        {
            const scoped_lock lock(mutex_);
            if (executor_)
                ex.emplace(*executor_);
        }
        if (ex && inside_strand(*ex))
            throw would_deadlock("the task '" + this->label() +
                                 "' is waited for on the strand that it needs");
    }

    mutable adaptive_mutex mutex_;
    std::optional<E> executor_ FERRY_GUARDED_BY(mutex_);
    std::shared_ptr<pool_core> core_; // until it enters
};

/// The function that is posted for an external task: it runs the task, or fails it if it is
/// destroyed unrun.
template <class Task>
class external_task {
public:
    external_task(boost::intrusive_ptr<Task> t, std::shared_ptr<pool_core> core) noexcept
        : task_(std::move(t)), core_(std::move(core)) {}
    external_task(external_task&&) noexcept = default;
    external_task& operator=(external_task&&) = delete;
    ~external_task() {
        if (task_ == nullptr)
            return;
        const auto t = task_;
        task_.detach()->drop(error_or_shortage([&t] {
            return make_error<broken_promise>("the executor destroyed the task '" + t->label() +
                                              "' before it ran");
        }));
        leave(*t);
    }
    void operator()() {
        const auto t = task_;
        const scope_exit at_end([&] { leave(*t); });
        if (core_ != nullptr)
            external_left_queue(*core_, *t);
        task_.detach()->run();
    }

    /// The task belongs to somebody else.
    void release() noexcept {
        task_ = nullptr;
        core_ = nullptr;
    }

private:
    void leave(Task& t) noexcept {
        t.leave_executor();
        if (core_)
            on_work_finished(*std::exchange(core_, nullptr), t);
    }

    boost::intrusive_ptr<Task> task_;
    std::shared_ptr<pool_core> core_;
};

/// Posts `fn(args...)` to the executor and returns its task. `options` may be null. Errors: what
/// `submit` throws.
template <class E, class F, class... A>
boost::intrusive_ptr<shared_state<offload_result_t<F, A...>>>
submit_through(entrance e, task_options* options, const E& ex, F&& fn, A&&... args) {
    using block = executor_task<E, F, A...>;
    boost::intrusive_ptr<block> t(new block(ex, std::forward<F>(fn), std::forward<A>(args)...));
    if (options != nullptr && !set_options(*t, *options))
        return t;
    keep_context(*t);
    std::shared_ptr<pool_core> core;
    if constexpr (executor_of_an_execution_context<E>)
        core = pool_of(boost::asio::query(ex, boost::asio::execution::context));
    if (core && !limit_wait(*core, *t, e))
        return t;
    if (core)
        on_work_started(*core, *t);
    external_task<block> g(t, core);
    if (t->extra != nullptr && t->extra->start_by)
        arm_timer(*t, *t->extra->start_by, timer_purpose::start_by);
    if (t->owner != nullptr) { // the pool is bounded
        t->stand_for(core);
        admit_external(*core, *t, e);
        g.release();
        return t;
    }
    boost::asio::post(ex, std::move(g));
    return t;
}

} // namespace detail

/// Runs `fn(args...)` on any Asio executor or execution context and returns its future: on a strand
/// (calls never overlap and keep their order), an `asio::thread_pool`, `asio::system_executor` or
/// an `io_context`.
///
/// For a `thread_pool` this is `thread_pool::submit`; for everything else it behaves the same
/// except as noted below. Executors may be temporaries, contexts may not. Priorities have no
/// meaning outside a pool.
///
/// @par Executor
/// `fn` runs on `executor`. Callbacks of the future run in the thread that completes it.
///
/// @par Cancellation
/// `future::cancel` keeps a call that has not started from running; `future::request_stop` asks a
/// running one that takes a `std::stop_token` to stop.
///
/// @par Blocking
/// As `asio::post`; while the queue of a bounded `thread_pool` behind the executor is full, if that
/// pool blocks then. A wait without a limit, on a strand, for a task of that strand throws
/// `would_deadlock`.
///
/// @par Errors
/// `shutdown_error`, `queue_full_error` and `broken_thread_pool` if the executor's context is a
/// `ferry::thread_pool` (for example through a strand). If the executor destroys the call unrun,
/// the future fails with `broken_promise`.
///
/// @par Exception safety
/// Strong: if `submit` throws, nothing was posted.
///
/// @par Lifetime
/// The call owns copies of `fn` and `args`, which are destroyed before the future is ready. The
/// context must outlive the call to `submit` only; the future may outlive the context.
///
/// @par Example
/// @code
/// auto strand = asio::make_strand(pool.get_executor());
/// ferry::future<void> first = ferry::submit(strand, append, std::ref(log), "first");
/// ferry::future<void> second = ferry::submit(strand, append, std::ref(log), "second");
/// second.wait(); // "first" was appended before
/// @endcode
///
/// @par See also
/// `thread_pool::submit`; `run_in_executor` for coroutines.
template <class Executor, class F, class... A>
    requires detail::is_asio_executor<Executor> && offloadable<F, A...>
future<offload_result_t<F, A...>> submit(const Executor& executor, F&& fn, A&&... args) {
    return detail::access::make(detail::submit_through(detail::entrance::thread, nullptr, executor,
                                                       std::forward<F>(fn),
                                                       std::forward<A>(args)...));
}

/// Runs `fn(args...)` on any Asio executor as `options` say: `label`, `timeout` and `start_by`
/// apply, `priority` is ignored. Otherwise as the overload without options.
template <class Executor, class F, class... A>
    requires detail::is_asio_executor<Executor> && offloadable<F, A...>
future<offload_result_t<F, A...>> submit(task_options options, const Executor& executor, F&& fn,
                                         A&&... args) {
    return detail::access::make(detail::submit_through(detail::entrance::thread, &options, executor,
                                                       std::forward<F>(fn),
                                                       std::forward<A>(args)...));
}

/// Runs `fn(args...)` on the executor of an execution context, or in a `thread_pool`, and returns
/// its future. The context must be an lvalue. Otherwise as the overload for an executor.
template <class Context, class F, class... A>
    requires detail::context_that_stays<Context> && offloadable<F, A...>
future<offload_result_t<F, A...>> submit(Context&& context, F&& fn, A&&... args) {
    if constexpr (std::is_same_v<std::remove_reference_t<Context>, thread_pool>)
        return context.submit(std::forward<F>(fn), std::forward<A>(args)...);
    else
        return submit(context.get_executor(), std::forward<F>(fn), std::forward<A>(args)...);
}

/// Runs `fn(args...)` on the executor of an execution context, or in a `thread_pool`, as `options`
/// say. Otherwise as the overload for an executor.
template <class Context, class F, class... A>
    requires detail::context_that_stays<Context> && offloadable<F, A...>
future<offload_result_t<F, A...>> submit(task_options options, Context&& context, F&& fn,
                                         A&&... args) {
    if constexpr (std::is_same_v<std::remove_reference_t<Context>, thread_pool>)
        return context.submit(std::move(options), std::forward<F>(fn), std::forward<A>(args)...);
    else
        return submit(std::move(options), context.get_executor(), std::forward<F>(fn),
                      std::forward<A>(args)...);
}

} // namespace ferry
