// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <ferry/detail/future_op.hpp>

#include <boost/asio/async_result.hpp>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/system_executor.hpp>

#include <tuple>

namespace ferry {

/// The type of `use_future`.
struct use_future_t {};

/// A completion token that makes any Asio operation, `co_spawn` included, return a `ferry::future`.
///
/// Completion signatures `()`, `(error_code)` and `(exception_ptr)` produce `future<void>`; one
/// additional value produces `future<T>`, several produce `future<std::tuple<...>>`.
/// `operation_aborted` makes the future cancelled.
///
/// @par Executor
/// The handler runs where the operation completes, and runs the callbacks of the future there.
///
/// @par Cancellation
/// Until completion the future is pending, so `future::cancel` makes it cancelled at once, from any
/// thread. The operation's cancellation signal is emitted by a function posted to the executor
/// bound to the token, or else to that of the initiating operation (if several threads run that
/// context, it must be a strand), or else to a strand of the system executor. The operation's
/// eventual result is discarded.
///
/// @par Blocking
/// Never.
///
/// @par Errors
/// The operation's error, as a `boost::system::system_error` if it is an error code;
/// `broken_promise` if the operation is destroyed uncompleted.
///
/// @par Lifetime
/// The future may outlive the operation and its context. Dropping the future does not cancel the
/// operation.
///
/// @par Example
/// @code
/// asio::steady_timer timer(context, 10ms);
/// ferry::future<void> rung = timer.async_wait(ferry::use_future);
/// @endcode
///
/// @par See also
/// `boost::asio::use_future`; `run_coroutine_threadsafe`.
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
            op_->fail_with(
                make_error<broken_promise>("the operation was destroyed before it completed"));
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
    return detail::access::make<T>(std::move(op));
}

} // namespace detail

} // namespace ferry

template <class R, class... Args>
class boost::asio::async_result<ferry::use_future_t, R(Args...)> {
public:
    using value_type = typename ferry::detail::future_of_args<Args...>::type;
    using return_type = ferry::future<value_type>;

    template <class Initiation, class... InitArgs>
    static return_type initiate(Initiation&& initiation, ferry::use_future_t, InitArgs&&... args) {
        if constexpr (requires { initiation.get_executor(); }) {
            return ferry::detail::initiate_future<value_type>(initiation.get_executor(),
                                                              std::forward<Initiation>(initiation),
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
