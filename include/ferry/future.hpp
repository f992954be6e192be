// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <ferry/detail/await_state.hpp>
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

    bool valid() const noexcept { return state_ != nullptr; }

    bool done() const { return state().done(); }
    bool running() const { return state().current() == detail::status::running; }
    bool cancelled() const { return state().current() == detail::status::cancelled; }

    /// Cancels what has not started; true if it is cancelled now, also when it already was.
    /// Wakes all waiters and runs the callbacks here; frees the callable at once.
    bool cancel() {
        const auto keep = state_;
        return state().cancel() || keep->was_cancelled();
    }

    /// Asks a running task that took a `std::stop_token` to stop; true if there is such a task.
    bool request_stop() { return state().request_stop(); }

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
        while (!state().wait(timeout(at - Clock::now()))) {
            if (Clock::now() >= at)
                return done();
        }
        return true;
    }

    /// Runs `f(future<T>)` once, in the thread that completes the future, in the order of
    /// registration; at once and here if it is done. What it throws goes to
    /// `set_unhandled_callback`'s hook.
    template <class F>
        requires std::invocable<std::decay_t<F>&, future<T>>
    void add_done_callback(F&& f) {
        auto& s = state();
        auto c = std::make_unique<callback<std::decay_t<F>>>(std::forward<F>(f));
        if (s.add(*c))
            static_cast<void>(c.release());
        else
            c.release()->fire(&s);
    }

    /// Waits: signature `void(error_code)`. Completion: never inline. Executor: the handler's
    /// associated one, else the system executor. Cancellation: stops the waiting only, with
    /// `operation_aborted`; emit on the handler's executor. Blocking: never.
    template <class Token>
    auto async_wait(Token&& token) const {
        return boost::asio::async_initiate<Token, void(boost::system::error_code)>(
            [](auto handler, boost::intrusive_ptr<state_type> s) {
                const auto ex = boost::asio::get_associated_executor(
                    handler, boost::asio::system_executor());
                detail::deliver_when_done(
                    *s, ex,
                    detail::ending_handler(
                        std::move(handler),
                        [](auto&& h, detail::ending end) {
                            std::move(h)(end == detail::ending::abandoned
                                             ? boost::asio::error::make_error_code(
                                                   boost::asio::error::operation_aborted)
                                             : boost::system::error_code());
                        }),
                    detail::on_cancel::stop_waiting);
            },
            token, checked());
    }

    /// Waits for the outcome: signature `void(std::exception_ptr, T)`, or `void(std::exception_ptr)`
    /// for void. The value is copied; moved out where it cannot be copied, or where the handle is an
    /// rvalue. Cancellation: cancels the future, as a cancelled `run_in_executor` does. Otherwise as
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
        return await_outcome(checked(), false);
    }
    boost::asio::awaitable<awaited_t<T>> async_result() && {
        auto s = checked();
        state_.reset();
        return await_outcome(std::move(s), true);
    }

    friend bool operator==(const future& a, const future& b) noexcept {
        return a.state_ == b.state_;
    }

    friend std::ostream& operator<<(std::ostream& out, const future& f) {
        return out << "<future " << f.describe() << '>';
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

    boost::intrusive_ptr<state_type> checked() const { return &state(); }

    template <class Token>
    auto start_result(Token&& token, bool take) const {
        return boost::asio::async_initiate<Token, typename detail::result_signature<T>::type>(
            [](auto handler, boost::intrusive_ptr<state_type> s, bool move) {
                detail::initiate_result<T>(std::move(handler), std::move(s),
                                           boost::asio::system_executor(), move);
            },
            token, checked(), take);
    }
    static boost::asio::awaitable<awaited_t<T>> await_outcome(boost::intrusive_ptr<state_type> s,
                                                              bool take) {
        detail::ending end{};
        co_await detail::until_done(*s, detail::on_cancel::cancel_task, end);
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

    std::string describe() const {
        if (!state_)
            return "invalid";
        const auto s = state_->current();
        if (s == detail::status::value)
            return "finished: returned " + detail::demangle(typeid(T).name());
        if (s == detail::status::error)
            return "finished: raised " + detail::type_name_of(state_->error());
        return state_->name();
    }

    boost::intrusive_ptr<state_type> state_;
};

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

template <class T>
struct std::hash<ferry::future<T>> {
    std::size_t operator()(const ferry::future<T>& f) const noexcept {
        return std::hash<void*>()(ferry::detail_access::state(f).get());
    }
};
