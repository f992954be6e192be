// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <ferry/detail/task.hpp>

#include <functional>
#include <memory>
#include <string>

namespace ferry {

/// What `submit` does when the bounded queue is full.
enum class when_full { block, reject };

/// How many workers suit calls that mostly wait: min(32, cpus + 4), as Python's default.
std::size_t io_bound_workers();
/// How many suit calls that mostly compute: one for each cpu that the process may use (affinity;
/// the environment variable FERRY_CPUS overrides), since more only add switches.
std::size_t cpu_bound_workers();

struct thread_pool_options {
    /// Most threads at a time; 1 to 65536.
    std::size_t max_workers = io_bound_workers();
    /// Names of the threads: the prefix, cut so that the number fits the kernel's 15 characters.
    std::string thread_name_prefix = {};
    /// Runs once in each worker before its first task; what it throws breaks the pool.
    std::function<void()> initializer = {};
    /// Runs once in each worker that was initialised, before it ends.
    std::function<void()> finalizer = {};
    /// Most tasks that wait in the queue; 0 is no limit.
    std::size_t max_queue = 0;
    /// What `submit` does then. Ignored for the pool's own workers.
    ferry::when_full when_full = ferry::when_full::block;
};

struct shutdown_options {
    bool wait = true;
    bool cancel_futures = false;
};

/// Threads that run blocking calls. Threads start on demand and an idle one is reused first.
/// Thread safety: all members are safe to call from any thread, the destructor excepted.
/// Lifetime: futures outlive the pool. Blocking: the destructor is `shutdown()` with wait.
/// Source: Python's `ThreadPoolExecutor`.
class thread_pool {
public:
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
        return start(true, std::forward<F>(fn), std::forward<A>(args)...);
    }

    /// Afterwards `submit` throws `shutdown_error`. Idempotent. With `cancel_futures` what has not
    /// started is cancelled. Blocking: with `wait`, until every thread has ended.
    /// Errors: `would_deadlock` with `wait` from one of the pool's own tasks or callbacks.
    void shutdown(shutdown_options options = {});

    std::size_t max_workers() const noexcept;

private:
    friend struct pool_access;
    template <class F, class... A>
    future<offload_result_t<F, A...>> start(bool bounded, F&& fn, A&&... args) {
        using block = detail::task_for<F, A...>;
        boost::intrusive_ptr<block> t(new block(std::forward<F>(fn), std::forward<A>(args)...));
        enqueue(*t, bounded);
        return detail_access::make<offload_result_t<F, A...>>(std::move(t));
    }

    /// Queues and shares ownership; `bounded` honours max_queue.
    template <class Task>
    void enqueue(Task& t, bool bounded) {
        intrusive_ptr_add_ref(&t);
        try {
            push(t, bounded);
        } catch (...) {
            t.release();
            throw;
        }
    }
    void push(detail::runnable& r, bool bounded);

    std::shared_ptr<detail::pool_core> core_;
};

/// For the bridge: queues without regard to max_queue, so that it never blocks an event loop.
struct pool_access {
    template <class F, class... A>
    static auto submit_unbounded(thread_pool& pool, F&& fn, A&&... args) {
        return pool.start(false, std::forward<F>(fn), std::forward<A>(args)...);
    }
};

} // namespace ferry
