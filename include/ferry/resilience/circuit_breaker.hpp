// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <ferry/detail/is_awaitable.hpp>
#include <ferry/detail/adaptive_mutex.hpp>
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
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace ferry {

/// closed: calls pass. open: calls are rejected. half_open: a few calls pass, to find out.
enum class circuit_state { closed, open, half_open };

/// Prints `closed`, `open` or `half-open`.
std::ostream& operator<<(std::ostream& out, circuit_state state);

/// What cannot be used (see the ranges) is refused with `std::invalid_argument`, which names the
/// member and its value.
struct circuit_breaker_options {
    /// Failures in a row, without a success in between, that open the circuit; at least 1.
    std::size_t threshold = 5;
    /// How long it stays open before calls are let through as probes. 0: only as long as the probes
    /// need. No limit: for ever.
    timeout reset_timeout = std::chrono::seconds(30);
    /// Most probes that are on their way at the same time; at least 1. The first one to succeed
    /// closes the circuit, the first one to fail opens it again.
    std::size_t half_open_probes = 1;
    /// After that time a probe that has not reported no longer counts as on its way, and another
    /// may take its place; more than 0. No limit: a probe that never reports keeps its place for
    /// ever.
    timeout probe_timeout = std::chrono::seconds(30);
};

class circuit_breaker;

namespace detail {

/// How a call ended, as far as the circuit cares.
enum class call_outcome { success, failure, cancelled };

/// The decisions of a circuit breaker: a state machine that takes the time as an argument, which
/// must not go back, and does nothing by itself.
///
/// Invariants: a new era begins with every change of state, and a pass counts in its own era only,
/// so what reports late never moves a later state. `probes_` and `unnamed_` are empty and 0 but for
/// half_open; `probes_` has at most `half_open_probes` members, in the order of their starts.
class circuit {
public:
    using clock = std::chrono::steady_clock;

    /// Leave to make one call.
    struct pass {
        std::uint64_t era = 0;
        std::uint64_t probe = 0; // 0 for a call in the closed state
    };

    explicit circuit(const circuit_breaker_options& options);

    /// The last state that was entered; open also when the reset time-out is over.
    circuit_state entered() const noexcept { return state_; }
    circuit_state state(clock::time_point now) const noexcept;
    /// How long calls are still rejected, at most; the longest duration for ever.
    clock::duration retry_after(clock::time_point now) const noexcept;

    /// A pass, or nothing for a call that is to be rejected.
    std::optional<pass> admit(clock::time_point now);
    void report(const pass& p, call_outcome how, clock::time_point now) noexcept;

    /// The same for a caller that keeps no pass: a report counts when the circuit is closed, and in
    /// half_open when such a caller has a probe that has not reported.
    bool admit_unnamed(clock::time_point now);
    void report_unnamed(call_outcome how, clock::time_point now) noexcept;

private:
    struct probe {
        std::uint64_t number;
        clock::time_point ends; // its place is free from then on
        bool unnamed;
    };

    void enter(circuit_state next) noexcept;
    void count(call_outcome how, clock::time_point now) noexcept;

    const circuit_breaker_options options_;
    circuit_state state_ = circuit_state::closed;
    std::uint64_t era_ = 0;
    std::size_t failures_ = 0;     // in a row, while closed
    clock::time_point reset_at_;   // while open
    std::vector<probe> probes_;    // those that have a place
    std::uint64_t last_probe_ = 0; // number of the youngest
    std::size_t unnamed_ = 0;      // probes without a pass that have not reported
};

/// One call through a circuit breaker. Its end reports what was not reported before.
class circuit_call {
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
    circuit::pass pass_;
    call_outcome at_end_;
    bool reported_ = false;
};

} // namespace detail

/// Keeps calls away from something that is broken: after `threshold` failures in a row it rejects
/// them for `reset_timeout`, then lets a few through as probes until one tells how it is.
///
/// A call that ends with an exception has failed, one that ends with a value has succeeded; one
/// that was cancelled (its exception has the code `operation_aborted`) counts as neither, and
/// returns its place when it was a probe. A report counts only while the circuit has not changed
/// its state since the call began: what began before an opening neither closes the circuit nor
/// keeps it open. A time-out counts as a failure where it is inside the call,
/// `breaker.async_call([] { return wait_for(get(), 1s); })`, and as a cancellation where it is
/// around it, `wait_for(breaker.async_call(get), 1s)`.
///
/// Thread safety: safe. Blocking: never, but for what `call` calls and for the hook.
/// Lifetime: must outlive its calls.
///
///     ferry::circuit_breaker breaker({.threshold = 3, .reset_timeout = 10s});
///     std::string text = breaker.call(download, url);
class circuit_breaker {
public:
    /// Errors: `std::invalid_argument`, as said at `circuit_breaker_options`.
    explicit circuit_breaker(circuit_breaker_options options = {});
    ~circuit_breaker();
    circuit_breaker(const circuit_breaker&) = delete;
    circuit_breaker& operator=(const circuit_breaker&) = delete;

    /// half_open as soon as a call would be let through as a probe; the hook is told of it when the
    /// first one is.
    circuit_state state() const;

    /// Calls `fn(args...)` and gives its result.
    /// Errors: `circuit_open_error`, and then the function was not called; what the function
    /// throws, untouched. Blocking: as the function.
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

    /// Awaits what `make_awaitable()` gives, and gives its value. Asks for leave when it is
    /// awaited. `make_awaitable` may be a lambda coroutine with captures: it lives until the end.
    /// A coroutine that is destroyed before its end counts as cancelled.
    /// Executor: the awaiting coroutine's. Cancellation (all types): passed on.
    /// Errors: `circuit_open_error`, and then `make_awaitable` was not called; what it or the
    /// coroutine throws, untouched. Blocking: never.
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

    /// For calls that do not fit the two above: true when a call may be made now, whose end is then
    /// to be reported with one of the functions below.
    /// Such a report does not tell which call it is about. It counts while the circuit is closed,
    /// and in half_open when a probe that `allow` let through has not reported: there one about a
    /// call from before the opening, if it comes as late as that, is taken for the probe's. `call`
    /// and `async_call` know their own.
    bool allow();
    void record_success();
    void record_failure();
    /// Neither of them; returns the place of a probe.
    void record_cancelled();

    /// The hook is called after every change of state, by the thread that caused it or by one that
    /// was just calling the hook: one change at a time, in their order. It may use the breaker,
    /// whose state may be another by then. Replaces the previous hook, which may still be running;
    /// empty: none. What it throws goes to `set_unhandled_callback`'s hook.
    void on_state_change(std::function<void(circuit_state from, circuit_state to)> hook);

private:
    friend class detail::circuit_call;
    using change_hook = std::function<void(circuit_state, circuit_state)>;
    struct change {
        circuit_state from;
        circuit_state to;
    };

    /// Throws circuit_open_error.
    detail::circuit::pass admit();
    void report(const detail::circuit::pass& pass, detail::call_outcome how);
    void report_unnamed(detail::call_outcome how);
    /// Runs `step(now)` under the lock, then the hook if the state was changed by it.
    template <class Step>
    void take(Step step);
    void tell(detail::scoped_lock& lock) FERRY_UNCHECKED;

    mutable detail::adaptive_mutex mutex_;
    detail::circuit circuit_ FERRY_GUARDED_BY(mutex_);
    std::shared_ptr<const change_hook> hook_ FERRY_GUARDED_BY(mutex_);
    std::deque<change> untold_ FERRY_GUARDED_BY(mutex_);
    bool telling_ FERRY_GUARDED_BY(mutex_) = false; // one thread at a time calls the hook
};

/// One circuit breaker for each key, a host for instance, all with the same options.
/// It grows by one breaker for every key that it was ever asked for, and shrinks by `erase` only:
/// keys that strangers choose need a limit of one's own.
/// Thread safety: safe. Blocking: never.
class circuit_breaker_registry {
public:
    /// Errors: `std::invalid_argument`, as said at `circuit_breaker_options`.
    explicit circuit_breaker_registry(circuit_breaker_options options = {});
    circuit_breaker_registry(const circuit_breaker_registry&) = delete;
    circuit_breaker_registry& operator=(const circuit_breaker_registry&) = delete;

    /// The breaker of that key, the same one each time until it is erased; made when first asked
    /// for. Lifetime: the handle keeps it, also beyond `erase` and the registry.
    /// Complexity: logarithmic.
    std::shared_ptr<circuit_breaker> get(std::string_view key);
    /// Forgets the breaker of that key; true if there was one.
    bool erase(std::string_view key);
    std::size_t size() const;

private:
    const circuit_breaker_options options_;
    mutable detail::adaptive_mutex mutex_;
    std::map<std::string, std::shared_ptr<circuit_breaker>, std::less<>>
        breakers_ FERRY_GUARDED_BY(mutex_);
};

} // namespace ferry
