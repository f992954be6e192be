// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <ferry/detail/future_op.hpp>

#include <boost/asio/async_result.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/system_executor.hpp>

#include <tuple>

namespace ferry {

/// The type of `use_future`.
struct use_future_t {};

/// A completion token: the operation returns a `ferry::future`. Signatures `()`, `(error_code)` and
/// `(exception_ptr)` give `future<void>`, one value more `future<T>`, several
/// `future<tuple<...>>`; `operation_aborted` is a cancelled future.
/// Cancellation: until completion the future is pending, so `cancel()` makes it cancelled at once,
/// from any thread; the operation's cancellation signal is emitted by a function posted to the
/// executor bound to the token, else to that of the initiation (on a context run by several threads
/// that must be a strand), else to a strand of the system executor; its late outcome is dropped.
/// Errors: `broken_promise` when the operation is destroyed uncompleted.
/// Source: `boost::asio::use_future`.
inline constexpr use_future_t use_future{};

namespace detail {

template <class... Values>
struct future_of {
    using type = std::tuple<std::decay_t<Values>...>;
};
template <>
struct future_of<> {
    using type = void;
};
template <class V>
struct future_of<V> {
    using type = std::decay_t<V>;
};
template <class... Args>
struct future_of_args : future_of<Args...> {};
template <class... Args>
struct future_of_args<boost::system::error_code, Args...> : future_of<Args...> {};
template <class... Args>
struct future_of_args<std::exception_ptr, Args...> : future_of<Args...> {};

/// The completion handler behind `use_future`.
template <class T>
class future_handler {
public:
    using cancellation_slot_type = boost::asio::cancellation_slot;

    explicit future_handler(boost::intrusive_ptr<future_op<T>> op) noexcept : op_(std::move(op)) {}
    future_handler(future_handler&&) noexcept = default;
    future_handler& operator=(future_handler&&) = delete;
    ~future_handler() {
        if (op_ != nullptr)
            op_->fail_with(make_error<broken_promise>(
                "the operation was destroyed before it completed"));
    }

    cancellation_slot_type get_cancellation_slot() const noexcept { return op_->slot(); }

    template <class... Values>
    void operator()(boost::system::error_code ec, Values&&... v) {
        if (ec)
            fail(std::make_exception_ptr(boost::system::system_error(ec)));
        else
            succeed(std::forward<Values>(v)...);
    }
    template <class... Values>
    void operator()(std::exception_ptr e, Values&&... v) {
        if (e)
            fail(std::move(e));
        else
            succeed(std::forward<Values>(v)...);
    }
    void operator()() { succeed(); }
    template <class V, class... Values>
        requires(!std::is_same_v<std::decay_t<V>, boost::system::error_code> &&
                 !std::is_same_v<std::decay_t<V>, std::exception_ptr>)
    void operator()(V&& v, Values&&... more) {
        succeed(std::forward<V>(v), std::forward<Values>(more)...);
    }

private:
    void fail(std::exception_ptr e) { std::exchange(op_, nullptr)->fail_with(std::move(e)); }
    template <class... Values>
    void succeed(Values&&... v) {
        const auto op = std::exchange(op_, nullptr);
        if constexpr (std::is_void_v<T>)
            op->succeed([] {});
        else
            op->succeed([&]() -> T { return T(std::forward<Values>(v)...); });
    }

    boost::intrusive_ptr<future_op<T>> op_;
};

template <class T, class Initiation, class... Args>
future<T> initiate_future(const boost::asio::any_io_executor& ex, Initiation&& initiation,
                          Args&&... args) {
    boost::intrusive_ptr<future_op<T>> op(new future_op<T>(ex));
    std::forward<Initiation>(initiation)(future_handler<T>(op), std::forward<Args>(args)...);
    return detail_access::make<T>(std::move(op));
}

/// Stores what the coroutine gives.
template <class T>
boost::asio::awaitable<void> run_operation(boost::asio::awaitable<T> a,
                                           boost::intrusive_ptr<future_op<T>> op) {
    // Resetting the state forgets what came before the start.
    const auto before = co_await boost::asio::this_coro::cancellation_state;
    if (before.cancelled() != boost::asio::cancellation_type::none)
        throw cancelled_error();
    co_await boost::asio::this_coro::reset_cancellation_state(
        boost::asio::enable_total_cancellation());
    if constexpr (std::is_void_v<T>) {
        co_await std::move(a);
        op->succeed([] {});
    } else {
        T value = co_await std::move(a);
        op->succeed([&]() -> T { return std::move(value); });
    }
}

} // namespace detail

/// Runs the coroutine on the executor, as `co_spawn` does, from any thread; works for every movable
/// `T`. Otherwise as `co_spawn(executor, awaitable, ferry::use_future)`.
/// Source: `asyncio.run_coroutine_threadsafe`.
template <class Executor, class T>
future<T> run_coroutine_threadsafe(const Executor& executor, boost::asio::awaitable<T> awaitable) {
    boost::intrusive_ptr<detail::future_op<T>> op(new detail::future_op<T>(executor));
    // Fails the future when the coroutine throws, or is destroyed before it ends.
    struct completion {
        boost::intrusive_ptr<detail::future_op<T>> op;
        completion(boost::intrusive_ptr<detail::future_op<T>> o) noexcept : op(std::move(o)) {}
        completion(completion&&) noexcept = default;
        ~completion() {
            if (op != nullptr && !op->done())
                op->fail_with(detail::make_error<broken_promise>(
                    "the coroutine was destroyed before it ended"));
        }
        void operator()(std::exception_ptr e) {
            const auto o = std::exchange(op, nullptr);
            if (e)
                o->fail_with(std::move(e));
        }
    };
    boost::asio::co_spawn(executor, detail::run_operation(std::move(awaitable), op),
                          boost::asio::bind_cancellation_slot(op->slot(), completion(op)));
    return detail_access::make<T>(std::move(op));
}

} // namespace ferry

template <class R, class... Args>
class boost::asio::async_result<ferry::use_future_t, R(Args...)> {
public:
    using value_type = typename ferry::detail::future_of_args<Args...>::type;
    using return_type = ferry::future<value_type>;

    template <class Initiation, class... InitArgs>
    static return_type initiate(Initiation&& initiation, ferry::use_future_t, InitArgs&&... args) {
        if constexpr (requires { initiation.get_executor(); }) {
            return ferry::detail::initiate_future<value_type>(
                initiation.get_executor(), std::forward<Initiation>(initiation),
                std::forward<InitArgs>(args)...);
        } else {
            // The completion and the cancellation must not meet.
            const auto alone = make_strand(system_executor());
            return async_result<executor_binder<ferry::use_future_t, std::decay_t<decltype(alone)>>,
                                R(Args...)>::initiate(std::forward<Initiation>(initiation),
                                                      bind_executor(alone, ferry::use_future),
                                                      std::forward<InitArgs>(args)...);
        }
    }
};

// The executor bound to the token is where the cancellation is emitted.
template <class Executor, class R, class... Args>
class boost::asio::async_result<boost::asio::executor_binder<ferry::use_future_t, Executor>,
                                R(Args...)> {
public:
    using value_type = typename ferry::detail::future_of_args<Args...>::type;
    using return_type = ferry::future<value_type>;

    template <class Initiation, class Token, class... InitArgs>
    static return_type initiate(Initiation&& initiation, Token&& token, InitArgs&&... args) {
        const auto ex = token.get_executor();
        return ferry::detail::initiate_future<value_type>(
            ex,
            [&]<class H>(H&& handler, auto&&... rest) {
                std::forward<Initiation>(initiation)(
                    boost::asio::bind_executor(ex, std::forward<H>(handler)),
                    std::forward<decltype(rest)>(rest)...);
            },
            std::forward<InitArgs>(args)...);
    }
};
