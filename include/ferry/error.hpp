// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <ferry/config.hpp>
#include <ferry/stack_frame.hpp>

#include <boost/asio/error.hpp>
#include <boost/system/error_category.hpp>
#include <boost/system/error_code.hpp>
#include <boost/system/error_condition.hpp>
#include <boost/system/system_error.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <iosfwd>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace ferry {

/// The error codes of Ferry. Cancellation has no code of its own: it is
/// `asio::error::operation_aborted`.
enum class errc {
    timeout = 1,         ///< a timeout expired
    invalid_state,       ///< the future or promise is in a state that does not allow the call
    no_state,            ///< the handle refers to no future
    broken_promise,      ///< the producer was destroyed without a result
    shutdown,            ///< the pool no longer accepts tasks
    queue_full,          ///< the bounded queue is full and rejects
    circuit_open,        ///< the circuit breaker is open and rejects
    would_deadlock,      ///< waiting here could never end
    broken_executor,     ///< the executor can no longer run tasks
    broken_thread_pool,  ///< a thread pool's initializer failed
    exception_group,     ///< several tasks failed
    broken_process_pool, ///< no worker process can be started
    worker_died,         ///< the worker process ended while it ran the task
    remote,              ///< an exception in a worker process that cannot be rebuilt here
    quarantined,         ///< the task has killed too many workers and is not run
    no_worker,           ///< there was no worker that could take the task
    sandbox,             ///< the kernel cannot enforce what the sandbox asks for
    broken_cluster_pool, ///< the broker refuses the pool
    resource_limit       ///< the worker process was ended because it exceeded a limit
};

/// Error conditions, for callers that need only the category of failure.
enum class condition {
    cancelled = 1, ///< `operation_aborted`
    timed_out,     ///< a timeout expired
    rejected,      ///< the work was not accepted, and did not start
    broken         ///< the executor, the worker process or the promise has failed
};

/// Returns the category of `errc`.
FERRY_DECL const boost::system::error_category& error_category() noexcept;

/// Returns the category of `condition`.
FERRY_DECL const boost::system::error_category& condition_category() noexcept;

/// Makes an error code, found by argument-dependent lookup.
FERRY_DECL boost::system::error_code make_error_code(errc e) noexcept;

/// Makes an error condition, found by argument-dependent lookup.
FERRY_DECL boost::system::error_condition make_error_condition(condition c) noexcept;

namespace detail {

/// Base class of Ferry's exceptions, with a text that ends with the code: `the queue is full
/// [ferry:6]`. `boost::system::system_error` alone would append the message of the code instead.
class FERRY_DECL error_with_text : public boost::system::system_error {
public:
    const char* what() const noexcept override { return text_->c_str(); }

protected:
    error_with_text(const boost::system::error_code& code, const std::string& text);
    ~error_with_text() override = default;
    error_with_text(const error_with_text&) noexcept = default;
    error_with_text& operator=(const error_with_text&) noexcept = default;

private:
    std::shared_ptr<const std::string> text_; // shared, so that copying cannot throw
};

} // namespace detail

/// The task, or the wait for it, was cancelled. Its code is `asio::error::operation_aborted`.
class FERRY_DECL cancelled_error : public detail::error_with_text {
public:
    explicit cancelled_error(const std::string& what = "the task was cancelled");
};

/// A timeout expired. After a wait for several futures, reports how many of them were
/// unfinished.
class FERRY_DECL timeout_error : public detail::error_with_text {
public:
    explicit timeout_error(const std::string& what = "timed out");
    timeout_error(std::size_t unfinished, std::size_t total);

    /// Number of unfinished futures; 0 unless several were waited for.
    std::size_t unfinished() const noexcept { return unfinished_; }

    /// Number of all futures; 0 unless several were waited for.
    std::size_t total() const noexcept { return total_; }

private:
    std::size_t unfinished_ = 0;
    std::size_t total_ = 0;
};

/// The future or promise is in a state that does not allow the call; the text names the state.
class FERRY_DECL invalid_state_error : public detail::error_with_text {
public:
    explicit invalid_state_error(const std::string& what = "invalid state");
};

/// A default-constructed, moved-from or taken handle was used.
class FERRY_DECL no_state_error : public detail::error_with_text {
public:
    explicit no_state_error(const std::string& what = "the future has no state");
};

/// The promise, or the executor that held the task, was destroyed before there was a result.
class FERRY_DECL broken_promise : public detail::error_with_text {
public:
    explicit broken_promise(const std::string& what = "the task was destroyed before it ran");
};

/// A task was submitted after `shutdown`.
class FERRY_DECL shutdown_error : public detail::error_with_text {
public:
    explicit shutdown_error(const std::string& what = "cannot submit after shutdown");
};

/// The bounded queue of a pool is full, and the pool rejects tasks.
class FERRY_DECL queue_full_error : public detail::error_with_text {
public:
    explicit queue_full_error(const std::string& what = "the queue is full");
    queue_full_error(const std::string& what, std::size_t queued,
                     std::chrono::nanoseconds retry_after);

    /// Number of tasks that were waiting.
    std::size_t queued() const noexcept { return queued_; }
    /// Estimate of how long the task would have waited, which suits a `Retry-After`: the tasks
    /// ahead of it times the mean run time, divided by the number of workers. 0 before the first
    /// task has finished; the longest duration for a task that can never fit.
    std::chrono::nanoseconds retry_after() const noexcept { return retry_after_; }

private:
    std::size_t queued_ = 0;
    std::chrono::nanoseconds retry_after_{};
};

/// The circuit breaker is open, or half-open with all probes in flight; the function was not
/// called.
class FERRY_DECL circuit_open_error : public detail::error_with_text {
public:
    explicit circuit_open_error(const std::string& what = "the circuit is open");
    explicit circuit_open_error(std::chrono::steady_clock::duration retry_after);

    /// Upper bound for how long calls are still rejected: until the first probe is admitted, or
    /// until a probe in flight is given up. The longest duration if that is never.
    std::chrono::steady_clock::duration retry_after() const noexcept { return retry_after_; }

private:
    std::chrono::steady_clock::duration retry_after_{};
};

/// A wait that could never end was refused.
class FERRY_DECL would_deadlock : public detail::error_with_text {
public:
    explicit would_deadlock(const std::string& what = "waiting here would deadlock");
};

/// The executor can no longer run tasks.
class FERRY_DECL broken_executor : public detail::error_with_text {
public:
    explicit broken_executor(const std::string& what = "the executor is broken");

protected:
    broken_executor(errc code, const std::string& what);
};

/// The initializer of a thread pool failed.
class FERRY_DECL broken_thread_pool : public broken_executor {
public:
    explicit broken_thread_pool(const std::string& what = "a thread pool's initializer failed");
};

/// No worker process of a process pool can be started, or one of them ended.
class FERRY_DECL broken_process_pool : public broken_executor {
public:
    explicit broken_process_pool(const std::string& what = "the process pool is broken");

protected:
    broken_process_pool(errc code, const std::string& what);
};

/// Resources that a worker process used from its start to its end.
struct worker_usage {
    /// Processor time of the worker, and of the children that it waited for.
    std::chrono::nanoseconds cpu_time{};
    /// Highest resident memory in bytes. If the process that owns the pool is itself larger, the
    /// kernel does not tell; then this is the highest value seen while the worker lived, at most a
    /// quarter of a second old.
    std::size_t peak_memory = 0;
};

/// The worker process ended while it ran the task: by itself, by a signal, or because the pool had
/// to end it.
class FERRY_DECL worker_died : public broken_process_pool {
public:
    /// How the process ended. Both members are empty if its exit status was collected elsewhere.
    struct ending {
        std::optional<int> exit_code = {};
        std::optional<int> signal = {};
    };

    explicit worker_died(const std::string& what = "the worker process died");
    worker_died(int pid, ending how, const std::string& label, const std::string& stderr_tail,
                worker_usage usage = {}, unsigned attempt = 1,
                const std::vector<stack_frame>& stacktrace = {});

    /// Process id of the worker.
    int pid() const noexcept { return pid_; }
    /// Exit code; empty if the process was terminated by a signal.
    std::optional<int> exit_code() const noexcept { return how_.exit_code; }
    /// Number of the signal that terminated the process; empty if it exited.
    std::optional<int> signal() const noexcept { return how_.signal; }
    /// Label of the task that the worker was running.
    const std::string& label() const noexcept { return *label_; }
    /// The end of the worker's standard-error output (at most 4 KiB).
    const std::string& stderr_tail() const noexcept { return *stderr_tail_; }
    /// Resources that the worker used; zeros if its exit status was collected elsewhere.
    const worker_usage& usage() const noexcept { return usage_; }
    /// Number of the task's start that ended so, counted from 1. More than 1 only for a task that
    /// may be started several times, see `task_options::attempts`.
    unsigned attempt() const noexcept { return attempt_; }
    /// The stack of the thread that caused a fatal signal, the innermost function first. It is
    /// empty if the worker ended in another way, if a handler of the program installed after
    /// `run_worker_if_spawned` took the signal, or if a thread that the task started overflowed its
    /// stack. A function's name is known if it lies in a module that this process has loaded as
    /// well, of the same build.
    const std::vector<stack_frame>& stacktrace() const noexcept { return *stacktrace_; }

protected:
    worker_died(errc code, const std::string& what, int pid, ending how, std::string label,
                std::string stderr_tail, worker_usage usage = {}, unsigned attempt = 1,
                std::vector<stack_frame> stacktrace = {});

private:
    int pid_ = 0;
    unsigned attempt_ = 1;
    ending how_;
    worker_usage usage_;
    std::shared_ptr<const std::string> label_; // shared, so that copying cannot throw
    std::shared_ptr<const std::string> stderr_tail_;
    std::shared_ptr<const std::vector<stack_frame>> stacktrace_;
};

/// The worker process was ended because its task exceeded a limit; the text names the limit, what
/// it allowed and what was used.
class FERRY_DECL resource_limit_error : public worker_died {
public:
    explicit resource_limit_error(const std::string& what = "the task exceeded a limit");
    resource_limit_error(int pid, ending how, std::string label, std::string stderr_tail,
                         const std::string& what, worker_usage usage = {}, unsigned attempt = 1);
};

/// The kernel cannot enforce what a sandbox or a limit asks for; the text names it.
class FERRY_DECL sandbox_error : public broken_executor {
public:
    explicit sandbox_error(const std::string& what = "the sandbox cannot be enforced");
};

/// The task has killed too many worker processes within a while and is not run again for now.
class FERRY_DECL quarantined_error : public detail::error_with_text {
public:
    explicit quarantined_error(const std::string& what = "the task is quarantined");
    quarantined_error(std::string label, unsigned deaths,
                      std::chrono::steady_clock::time_point until);

    /// Label of the task.
    const std::string& label() const noexcept { return *label_; }
    /// Number of worker processes that it has killed lately.
    unsigned deaths() const noexcept { return deaths_; }
    /// Time point until which it is refused.
    std::chrono::steady_clock::time_point until() const noexcept { return until_; }

private:
    std::shared_ptr<const std::string> label_; // shared, so that copying cannot throw
    unsigned deaths_ = 0;
    std::chrono::steady_clock::time_point until_{};
};

/// There was no worker that could take the task in time.
class FERRY_DECL no_worker_error : public detail::error_with_text {
public:
    explicit no_worker_error(const std::string& what = "there is no worker for the task");
};

/// The message broker refuses the pool: its password, certificate, virtual host or queue.
class FERRY_DECL broken_cluster_pool : public broken_executor {
public:
    explicit broken_cluster_pool(const std::string& what = "the cluster pool is broken");
};

/// An exception thrown by a task in a worker process that cannot be rebuilt as an object of its
/// type.
class FERRY_DECL remote_error : public boost::system::system_error {
public:
    explicit remote_error(const std::string& what = "a task in a worker process failed");
    remote_error(std::string type_name, std::string what);

    /// Name of the type that was thrown.
    const std::string& type_name() const noexcept { return *type_name_; }
    /// Text of the exception that was thrown.
    const char* what() const noexcept override { return what_->c_str(); }

private:
    std::shared_ptr<const std::string> type_name_; // shared, so that copying cannot throw
    std::shared_ptr<const std::string> what_;
};

/// The exceptions of several tasks, in the order of their failures.
class FERRY_DECL exception_group : public detail::error_with_text {
public:
    explicit exception_group(const std::string& what = "several tasks failed");
    explicit exception_group(std::vector<std::exception_ptr> exceptions);

    /// The exceptions, in the order of the failures.
    const std::vector<std::exception_ptr>& exceptions() const noexcept { return *exceptions_; }

private:
    std::shared_ptr<const std::vector<std::exception_ptr>> exceptions_; // see error_with_text
};

namespace detail {

/// An exception object of its own, made in place: std::make_exception_ptr would copy one, and the
/// copies of a standard exception share its text.
template <class E, class... Args>
std::exception_ptr make_error(Args&&... args) {
    try {
        throw E(std::forward<Args>(args)...);
    } catch (...) {
        return std::current_exception();
    }
}

/// True for a `boost::system::system_error` with the code of a cancellation.
FERRY_DECL bool is_cancellation(const std::exception_ptr& error) noexcept;

} // namespace detail
} // namespace ferry

template <>
struct boost::system::is_error_code_enum<ferry::errc> : std::true_type {};
template <>
struct boost::system::is_error_condition_enum<ferry::condition> : std::true_type {};
