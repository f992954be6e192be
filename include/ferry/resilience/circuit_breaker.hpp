// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <ferry/config.hpp>
#include <ferry/detail/adaptive_mutex.hpp>
#include <ferry/detail/is_awaitable.hpp>
#include <ferry/error.hpp>
#include <ferry/timeout.hpp>

#include <boost/asio/use_awaitable.hpp>

#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <iosfwd>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

namespace ferry {

/// The state of a circuit: closed (calls are made), open (calls are rejected), or half-open (a
/// limited number of calls is made as probes).
enum class circuit_state { closed, open, half_open };

/// Prints `closed`, `open` or `half-open`.
FERRY_DECL std::ostream& operator<<(std::ostream& out, circuit_state state);

/// Options for a circuit breaker.
///
/// @par Errors
/// A value out of range makes the constructor throw `std::invalid_argument` naming the member and
/// its value.
struct circuit_breaker_options {
    /// Number of consecutive failures that open the circuit; at least 1. Default: 5.
    std::size_t threshold = 5;
    /// Time for which the circuit stays open before calls are admitted as probes. With 0 probes are
    /// admitted at once; an unlimited timeout keeps the circuit open forever. Default: 30 s.
    timeout reset_timeout = std::chrono::seconds(30);
    /// Maximum number of probes in flight; at least 1. The first one to succeed closes the circuit,
    /// the first one to fail opens it again. Default: 1.
    std::size_t half_open_probes = 1;
    /// Time after which a probe that has not reported no longer counts as in flight, so that
    /// another may take its place; more than 0. With an unlimited timeout a probe that never
    /// reports keeps its place forever. Default: 30 s.
    timeout probe_timeout = std::chrono::seconds(30);
};

class circuit_breaker;

namespace detail {

/// How a call ended, as far as the circuit cares.
enum class call_outcome { success, failure, cancelled };

/// Leave to make one call.
struct circuit_pass {
    std::uint64_t era = 0;   // of the circuit's state
    std::uint64_t probe = 0; // 0 for a call in the closed state
};

class circuit;

/// One call through a circuit breaker. Its end reports what was not reported before.
class FERRY_DECL circuit_call {
public:
    /// Throws circuit_open_error. `at_end` is what the destructor reports.
    circuit_call(circuit_breaker& breaker, call_outcome at_end);
    /// Lets only forced unwinding out, from a hook.
    ~circuit_call() noexcept(false);
    circuit_call(const circuit_call&) = delete;
    circuit_call& operator=(const circuit_call&) = delete;

    void succeeded() { report(call_outcome::success); }
    /// A null pointer, for a thread that is being ended, counts as cancelled.
    void failed(const std::exception_ptr& error);

private:
    void report(call_outcome how);

    circuit_breaker& breaker_;
    circuit_pass pass_;
    call_outcome at_end_;
    bool reported_ = false;
};

} // namespace detail

/// Stops calling a service that keeps failing: after `threshold` consecutive failures it rejects
/// calls for `reset_timeout`, then admits a limited number of probes whose outcome closes or
/// reopens the circuit.
///
/// A call that ends with an exception has failed, one that ends with a value has succeeded; one
/// that was cancelled (its exception has the code `operation_aborted`) counts as neither, and
/// returns its place if it was a probe. A report counts only while the circuit has not changed its
/// state since the call began: a call from before an opening neither closes the circuit nor keeps
/// it open. A timeout counts as a failure if it is inside the call, `breaker.async_call([] { return
/// wait_for(get(), 1s); })`, and as a cancellation if it is around it,
/// `wait_for(breaker.async_call(get), 1s)`.
///
/// @par Blocking
/// Never, apart from the function that `call` calls and from the hook.
///
/// @par Lifetime
/// A breaker must outlive its calls.
///
/// @par Thread safety
/// Safe.
///
/// @par Example
/// @code
/// ferry::circuit_breaker breaker({.threshold = 3, .reset_timeout = 10s});
/// std::string text = breaker.call(download, url);
/// @endcode
///
/// @par See also
/// `circuit_breaker_registry`; `retry`.
class FERRY_DECL circuit_breaker {
public:
    /// Makes a closed circuit. Throws `std::invalid_argument` if an option is out of range.
    explicit circuit_breaker(circuit_breaker_options options = {});
    ~circuit_breaker();
    circuit_breaker(const circuit_breaker&) = delete;
    circuit_breaker& operator=(const circuit_breaker&) = delete;

    /// Returns the state; half_open as soon as a call would be admitted as a probe. The hook is
    /// called for that change when the first probe is admitted.
    circuit_state state() const;

    /// Calls `fn(args...)` and returns its result.
    ///
    /// @par Blocking
    /// As the function.
    ///
    /// @par Errors
    /// `circuit_open_error` if the call was rejected, so that the function was not called; any
    /// exception of the function, unchanged.
    template <class F, class... Args>
        requires std::invocable<F, Args...> &&
                 (!detail::is_awaitable<
                     std::remove_cvref_t<std::invoke_result_t<F, Args...>>>::value)
    std::invoke_result_t<F, Args...> call(F&& fn, Args&&... args) {
        detail::circuit_call current(*this, detail::call_outcome::success);
        try {
            return std::invoke(std::forward<F>(fn), std::forward<Args>(args)...);
        } catch (...) {
            current.failed(std::current_exception());
            throw;
        }
    }

    /// Awaits `make_awaitable()` and returns its value. The circuit is asked when the returned
    /// awaitable is awaited.
    ///
    /// `make_awaitable` may be a lambda coroutine with captures: it lives until the end. A
    /// coroutine that is destroyed before its end counts as cancelled.
    ///
    /// @par Executor
    /// The awaiting coroutine's.
    ///
    /// @par Cancellation
    /// All types: forwarded to the coroutine.
    ///
    /// @par Blocking
    /// Never.
    ///
    /// @par Errors
    /// `circuit_open_error` if the call was rejected, so that `make_awaitable` was not called; any
    /// exception of it or of the coroutine, unchanged.
    template <class F>
        requires detail::awaitable_maker<F>
    std::invoke_result_t<F&> async_call(F make_awaitable) {
        using value = typename std::invoke_result_t<F&>::value_type;
        detail::circuit_call current(*this, detail::call_outcome::cancelled);
        try {
            if constexpr (std::is_void_v<value>) {
                co_await std::invoke(make_awaitable);
                current.succeeded();
            } else {
                value result = co_await std::invoke(make_awaitable);
                current.succeeded();
                co_return result;
            }
        } catch (...) {
            current.failed(std::current_exception());
            throw;
        }
    }

    /// Returns true if a call may be made now, whose end must then be reported with one of the
    /// functions below. For calls that fit neither `call` nor `async_call`.
    ///
    /// Such a report does not tell which call it is about. It counts while the circuit is closed,
    /// and in half_open when a probe that `allow` admitted has not reported: there, a late report
    /// about a call from before the opening is taken for that of the probe. `call` and `async_call`
    /// know their own.
    bool allow();

    /// Reports that an allowed call has succeeded.
    void record_success();

    /// Reports that an allowed call has failed.
    void record_failure();
    /// Reports that an allowed call has neither succeeded nor failed; a probe returns its place.
    void record_cancelled();

    /// Installs a hook that is called after every change of state, replacing the previous one. An
    /// empty function removes it.
    ///
    /// @par Executor
    /// The hook runs in the thread that caused the change, or in one that is just running the hook:
    /// one change at a time, in their order.
    ///
    /// @par Errors
    /// An exception that escapes the hook goes to the handler installed by
    /// `set_unhandled_callback`.
    ///
    /// @par Lifetime
    /// A hook that was replaced may still be running.
    ///
    /// @par Thread safety
    /// The hook may use the breaker, whose state may have changed again meanwhile.
    void on_state_change(std::function<void(circuit_state from, circuit_state to)> hook);

private:
    friend class detail::circuit_call;
    friend class circuit_breaker_registry;
    using change_hook = std::function<void(circuit_state, circuit_state)>;
    struct change {
        circuit_state from;
        circuit_state to;
    };

    /// Throws circuit_open_error.
    detail::circuit_pass admit();
    void report(const detail::circuit_pass& pass, detail::call_outcome how);
    void report_unnamed(detail::call_outcome how);
    /// Runs `step(now)` under the lock, then the hook if the state was changed by it.
    template <class Step>
    void take(Step step);
    void tell(detail::scoped_lock& lock) FERRY_UNCHECKED;

    mutable detail::adaptive_mutex mutex_;
    const std::unique_ptr<detail::circuit> circuit_ FERRY_PT_GUARDED_BY(mutex_);
    std::shared_ptr<const change_hook> hook_ FERRY_GUARDED_BY(mutex_);
    std::deque<change> untold_ FERRY_GUARDED_BY(mutex_);
    std::uint64_t rejected_ FERRY_GUARDED_BY(mutex_) = 0;
    std::uint64_t opened_ FERRY_GUARDED_BY(mutex_) = 0;
    bool telling_ FERRY_GUARDED_BY(mutex_) = false; // one thread at a time calls the hook
};

/// One circuit breaker for each key, such as a host, all with equal options.
///
/// It grows by one breaker for every key that it is asked for and shrinks only by `erase`: if keys
/// come from untrusted input, limit their number yourself.
///
/// @par Blocking
/// Never.
///
/// @par Thread safety
/// Safe.
class FERRY_DECL circuit_breaker_registry {
public:
    /// Makes an empty registry. Throws `std::invalid_argument` if an option is out of range.
    explicit circuit_breaker_registry(circuit_breaker_options options = {});
    ~circuit_breaker_registry();
    circuit_breaker_registry(const circuit_breaker_registry&) = delete;
    circuit_breaker_registry& operator=(const circuit_breaker_registry&) = delete;

    /// Returns the breaker of the key, creating it on first use.
    ///
    /// @par Lifetime
    /// The handle keeps the breaker, also beyond `erase` and the registry.
    ///
    /// @par Complexity
    /// Logarithmic in the number of keys.
    std::shared_ptr<circuit_breaker> get(std::string_view key);
    /// Forgets the breaker of the key. Returns true if there was one.
    bool erase(std::string_view key);

    /// Returns the number of breakers.
    std::size_t size() const;

private:
    const circuit_breaker_options options_;
    mutable detail::adaptive_mutex mutex_;
    std::map<std::string, std::shared_ptr<circuit_breaker>, std::less<>>
        breakers_ FERRY_GUARDED_BY(mutex_);
    class view; // for metrics
    const std::unique_ptr<view> view_;
};

} // namespace ferry
