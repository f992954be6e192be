// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <ferry/detail/await_state.hpp>
#include <ferry/detail/copied.hpp>
#include <ferry/promise.hpp>

#include <functional>
#include <ostream>
#include <typeinfo>

namespace ferry {

/// A cheap, copyable handle to one shared outcome. Dropping it neither blocks nor cancels.
/// `T` may be void, a reference, move-only, or not default-constructible. A coroutine awaits it with
/// `co_await f.async_result()`.
/// Thread safety: distinct handles are safe, also when they share an outcome. Blocking: `result`,
/// `exception` and the `wait` family block; a worker that waits without limit for an unstarted
/// task of its own pool runs it. Errors: `no_state_error` from every member of an invalid handle.
/// Source: Python's `concurrent.futures.Future`.
template <class T>
class future {
public:
    using value_type = T;

    future() noexcept = default;
    future(const future&) noexcept = default;
    future(future&&) noexcept = default;
    future& operator=(const future&) noexcept = default;
    future& operator=(future&&) noexcept = default;
    ~future() = default;

    bool valid() const noexcept { return state_ != nullptr; }

    bool done() const { return state().done(); }
    bool running() const { return state().current() == detail::status::running; }
    bool cancelled() const { return state().current() == detail::status::cancelled; }

    /// Cancels what has not started; true if it is cancelled now, also when it already was.
    /// Wakes all waiters and runs the callbacks here; frees the callable at once.
    bool cancel() const {
        const auto keep = state_;
        return state().cancel() || keep->was_cancelled();
    }

    /// Asks a running task that took a `std::stop_token` to stop; true if there is such a task.
    bool request_stop() const { return state().request_stop(); }

    /// Waits and gives the value, valid while a handle exists and nobody takes it.
    /// Errors: the task's exception, `cancelled_error`, `timeout_error`; `invalid_state_error`
    /// ("value taken") after somebody took it; `would_deadlock`.
    decltype(auto) result(timeout limit = {}) const& { return peek(limit); }
    decltype(auto) result(timeout limit = {}) & { return peek(limit); }

    /// Waits and moves the value out; empties the handle, which is no key of a map any more then. One
    /// caller can; later ones get `invalid_state_error`. After a time-out or an exception the handle
    /// is kept.
    T result(timeout limit = {}) && {
        auto keep = state_;
        settle(limit);
        if (!keep->take())
            throw invalid_state_error("value taken");
        state_.reset();
        if constexpr (std::is_void_v<T>)
            return;
        else if constexpr (std::is_reference_v<T>)
            return static_cast<T>(*keep->value());
        else
            return std::move(keep->value());
    }
    T result(timeout limit = {}) const&& = delete;

    /// Waits and gives the exception, null for a value. Errors: `cancelled_error`, `timeout_error`.
    std::exception_ptr exception(timeout limit = {}) const {
        const auto keep = state_;
        if (!state().wait(limit))
            throw keep->expiry();
        if (keep->current() == detail::status::cancelled)
            throw keep->cancellation();
        return keep->error();
    }

    void wait() const { state().wait(timeout()); }
    /// Waits; true if it is done.
    bool wait_for(timeout limit) const { return state().wait(limit); }
    template <class Clock, class Duration>
    bool wait_until(std::chrono::time_point<Clock, Duration> at) const {
        for (;;) {
            const timeout left = detail::time_until(at);
            if (state().wait(left))
                return true;
            if (left.limit() == timeout::clock::duration::zero())
                return false;
            // The clock was set back, or goes slower than the one that the wait is measured with.
        }
    }

    /// Runs `f(future<T>)` once, in the thread that completes the future, in the order of
    /// registration; at once and here if it is done. What it throws goes to
    /// `set_unhandled_callback`'s hook.
    template <class F>
        requires detail::copied_or_moved_into_the_call__say_std_move<F> &&
                 std::invocable<std::decay_t<F>&, future<T>>
    void add_done_callback(F&& f) const {
        auto& s = state();
        auto c = std::make_unique<callback<std::decay_t<F>>>(std::forward<F>(f));
        if (s.add(*c))
            static_cast<void>(c.release());
        else
            c.release()->fire(&s);
    }

    /// Waits: signature `void(error_code)`. Completion: never inline. Executor: the handler's
    /// associated one, else the system executor. Cancellation: stops the waiting only, with
    /// `operation_aborted`; emit on the handler's executor. Errors: `errc::no_state` for an invalid
    /// handle. Blocking: never.
    template <class Token>
    auto async_wait(Token&& token) const {
        return boost::asio::async_initiate<Token, void(boost::system::error_code)>(
            [](auto handler, boost::intrusive_ptr<state_type> s, boost::system::error_code error) {
                const auto ex = boost::asio::get_associated_executor(
                    handler, boost::asio::system_executor());
                detail::complete_when_done(
                    *s, ex,
                    detail::ending_handler(
                        std::move(handler),
                        [error](auto&& h, detail::wait_status end) {
                            std::move(h)(end == detail::wait_status::abandoned
                                             ? boost::asio::error::make_error_code(
                                                   boost::asio::error::operation_aborted)
                                             : error);
                        }),
                    detail::cancel_mode::stop_waiting);
            },
            token, awaited(),
            valid() ? boost::system::error_code() : make_error_code(errc::no_state));
    }

    /// Waits for the outcome: signature `void(std::exception_ptr, T)`, or `void(std::exception_ptr)`
    /// for void. The value is copied; moved out where it cannot be copied, or where the handle is an
    /// rvalue. Cancellation: cancels the future, as a cancelled `run_in_executor` does. Errors: those
    /// of the task, `cancelled_error`, `no_state_error`, all of them through the token. Otherwise as
    /// `async_wait`.
    template <class Token>
        requires detail::tokenable<T>
    auto async_result(Token&& token) const& {
        return start_result(std::forward<Token>(token), false);
    }
    template <class Token>
        requires detail::tokenable<T>
    auto async_result(Token&& token) && {
        return start_result(std::forward<Token>(token), true);
    }
    /// The same for `co_await`: any movable `T`; gives the value or throws; resumes on the
    /// coroutine's own executor.
    boost::asio::awaitable<awaited_t<T>> async_result() const& {
        return await_outcome(awaited(), false);
    }
    boost::asio::awaitable<awaited_t<T>> async_result() && {
        auto s = awaited();
        state_.reset();
        return await_outcome(std::move(s), true);
    }

    friend bool operator==(const future& a, const future& b) noexcept {
        return a.state_ == b.state_;
    }

    /// Throws nothing of its own: without memory for the name of a type it prints the rest.
    friend std::ostream& operator<<(std::ostream& out, const future& f) {
        const auto s = f.state_ ? f.state_->current() : detail::status::pending;
        return out << "<future " << f.describe(s) << f.type_name(s) << '>';
    }

private:
    friend class promise<T>;
    friend struct detail_access;
    using state_type = detail::shared_state<T>;

    template <class F>
    struct callback final : detail::continuation {
        explicit callback(F f) : continuation(true), f_(std::move(f)) {}
        void fire(detail::shared_state_base* s) override {
            const std::unique_ptr<callback> self(this);
            try {
                f_(future(boost::intrusive_ptr<state_type>(static_cast<state_type*>(s))));
            } catch (...) {
                detail::report_or_unwind();
            }
        }
        void destroy() noexcept override { delete this; }
        F f_;
    };

    explicit future(boost::intrusive_ptr<state_type> s) noexcept : state_(std::move(s)) {}

    /// What an asynchronous wait is for: without a state one that has failed with `no_state_error`.
    boost::intrusive_ptr<state_type> awaited() const {
        if (state_)
            return state_;
        boost::intrusive_ptr<state_type> none(new state_type);
        none->fail(detail::make_error<no_state_error>());
        return none;
    }

    template <class Token>
    auto start_result(Token&& token, bool take) const {
        return boost::asio::async_initiate<Token, typename detail::result_signature<T>::type>(
            [](auto handler, boost::intrusive_ptr<state_type> s, bool move) {
                detail::initiate_result<T>(std::move(handler), std::move(s),
                                           boost::asio::system_executor(), move);
            },
            token, awaited(), take);
    }
    static boost::asio::awaitable<awaited_t<T>> await_outcome(boost::intrusive_ptr<state_type> s,
                                                              bool take) {
        detail::wait_status end{};
        co_await detail::until_done(*s, detail::cancel_mode::cancel_task, end);
        co_return detail::outcome_of(*s, end, take);
    }

    state_type& state() const {
        if (!state_)
            throw no_state_error();
        return *state_;
    }

    void settle(timeout limit) const {
        const auto keep = state_;
        if (!state().wait(limit))
            throw keep->expiry();
        if (keep->current() == detail::status::cancelled)
            throw keep->cancellation();
        if (keep->current() == detail::status::error)
            std::rethrow_exception(keep->error());
    }

    decltype(auto) peek(timeout limit) const {
        settle(limit);
        if (state_->taken())
            throw invalid_state_error("value taken");
        if constexpr (std::is_void_v<T>)
            return;
        else if constexpr (std::is_reference_v<T>)
            return static_cast<T>(*state_->value());
        else
            return static_cast<const T&>(state_->value());
    }

    const char* describe(detail::status s) const noexcept {
        if (!state_)
            return "invalid";
        switch (s) {
        case detail::status::value: return "finished: returned ";
        case detail::status::error: return "finished: raised ";
        case detail::status::running: return "running";
        case detail::status::cancelled: return "cancelled";
        default: return state_->was_cancelled() ? "cancelled" : "pending";
        }
    }
    std::string type_name(detail::status s) const noexcept {
        try {
            if (s == detail::status::value)
                return detail::demangle(typeid(T).name());
            if (s == detail::status::error)
                return detail::type_name_of(state_->error());
        } catch (const std::bad_alloc&) {
            return "?";
        }
        return {};
    }

    boost::intrusive_ptr<state_type> state_;
};

namespace detail {

template <class F>
inline constexpr bool is_future = false;
template <class T>
inline constexpr bool is_future<future<T>> = true;

} // namespace detail

/// Lets executors make futures and reach their state.
struct detail_access {
    template <class T>
    static future<T> make(boost::intrusive_ptr<detail::shared_state<T>> s) noexcept {
        return future<T>(std::move(s));
    }
    template <class T>
    static boost::intrusive_ptr<detail::shared_state<T>> take(future<T>&& f) noexcept {
        return std::move(f.state_);
    }
    template <class T>
    static const boost::intrusive_ptr<detail::shared_state<T>>& state(const future<T>& f) noexcept {
        return f.state_;
    }
};

} // namespace ferry

// Asio asks this of what stands behind `co_await`, where the answer would be no and then a list of
// candidates.
template <class T>
    requires ferry::detail::is_future<std::remove_cvref_t<T>>
struct boost::asio::is_async_operation<T> {
    static_assert(!ferry::detail::is_future<std::remove_cvref_t<T>>,
                  "a future is not awaited by itself: say co_await f.async_result()");
    static constexpr bool value = false;
};

template <class T>
struct std::hash<ferry::future<T>> {
    std::size_t operator()(const ferry::future<T>& f) const noexcept {
        return std::hash<void*>()(ferry::detail_access::state(f).get());
    }
};
