// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <ferry/awaited.hpp>
#include <ferry/detail/assert.hpp>
#include <ferry/detail/caught_or_unwind.hpp>
#include <ferry/detail/runs_here.hpp>
#include <ferry/detail/wait_op.hpp>

#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/system_executor.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <concepts>
#include <functional>
#include <optional>
#include <variant>

namespace ferry {

namespace detail {

/// An operation for `co_await`: waits, on the coroutine's executor, until the state is done or the
/// coroutine is cancelled, and stores which of them it was. All of it stays with the coroutine.
inline auto until_done(shared_state_base& state, cancel_mode rule, wait_status& result) {
    return boost::asio::async_initiate<const boost::asio::deferred_t&, void()>(
        [](auto handler, shared_state_base* s, wait_status* where, cancel_mode r) {
            const auto ex = boost::asio::get_associated_executor(handler);
            complete_when_done(
                *s, ex, std::move(handler),
                [where](auto&& h, wait_status end) {
                    FERRY_ASSERT(runs_here(boost::asio::get_associated_executor(h)));
                    *where = end;
                    std::forward<decltype(h)>(h)();
                },
                r);
        },
        boost::asio::deferred, &state, &result, rule);
}

/// The exception that an outcome is, null for a value.
inline std::exception_ptr error_of(const shared_state_base& s, wait_status end) {
    if (end == wait_status::abandoned)
        return make_error<cancelled_error>("waiting for the task '" + s.label() +
                                           "' was cancelled; it runs on unobserved");
    if (s.current() == status::cancelled)
        return make_error<cancelled_error>(s.cancellation());
    return s.error();
}

/// The value for a handler or an awaitable: moved out where `take` is true.
template <class T>
awaited_t<T> value_of(shared_state<T>& s, bool take) {
    if constexpr (std::is_void_v<T>) {
        return;
    } else if constexpr (std::is_reference_v<T>) {
        return std::ref(*s.value());
    } else {
        if constexpr (std::is_copy_constructible_v<T>) {
            if (!take && !s.taken())
                return std::as_const(s.value());
        }
        if (!s.take())
            throw invalid_state_error("value taken");
        return std::move(s.value());
    }
}

/// Whether a completion token can carry a `T`: beside an error it gets `T()`.
template <class T>
concept tokenable = std::is_void_v<T> || std::default_initializable<awaited_t<T>>;

/// The same for a coroutine: throws what is no value.
template <class T>
awaited_t<T> outcome_of(shared_state<T>& s, wait_status end, bool take) {
    if (end == wait_status::abandoned || s.current() != status::value)
        std::rethrow_exception(error_of(s, end));
    return value_of(s, take);
}

template <class T>
struct result_signature {
    using type = void(std::exception_ptr, awaited_t<T>);
};
template <>
struct result_signature<void> {
    using type = void(std::exception_ptr);
};

/// What `make` gives, or the exception that it throws in place of an error.
template <class F>
std::exception_ptr error_from(F&& make) {
    try {
        return std::forward<F>(make)();
    } catch (...) {
        return caught_or_unwind();
    }
}

/// The value on its way into a handler: made where the handler wants it, so that a copy or a move
/// that throws is known to have come before the handler's own code.
template <class T>
class passed_value {
public:
    passed_value(shared_state<T>& s, bool take) noexcept : state_(s), take_(take) {}
    passed_value(const passed_value&) = delete;
    passed_value& operator=(const passed_value&) = delete;

    awaited_t<T> make() {
        try {
            return value_of(state_, take_);
        } catch (...) { // taken, or its copy failed
            failed_ = true;
            throw;
        }
    }
    operator awaited_t<T>() && { return make(); }
    bool failed() const noexcept { return failed_; }

private:
    shared_state<T>& state_;
    const bool take_;
    bool failed_ = false;
};

/// A coroutine's handler keeps the value until the coroutine goes on. Where moving may fail, it
/// converts the value itself.
template <class T, class Handler>
void give(Handler&& h, passed_value<T>& value) {
    std::forward<Handler>(h)(std::exception_ptr(), value.make());
}
template <class T, class Executor, class V>
    requires(!std::is_nothrow_move_constructible_v<awaited_t<T>>)
void give(boost::asio::detail::awaitable_handler<Executor, std::exception_ptr, V>&& h,
          passed_value<T>& value) {
    std::move(h)(std::exception_ptr(), std::move(value));
}

/// Calls a handler of that signature with the outcome.
template <class T, class Handler>
void complete_with(Handler&& h, shared_state<T>& s, wait_status end, bool take) {
    std::exception_ptr error = error_from([&] { return error_of(s, end); });
    if constexpr (std::is_void_v<T>) {
        std::forward<Handler>(h)(std::move(error));
    } else {
        if (!error) {
            passed_value<T> value(s, take);
            try {
                give(std::forward<Handler>(h), value);
                return;
            } catch (...) {
                error = std::current_exception();
                if (!value.failed() || error == nullptr)
                    throw;
            }
        }
        std::forward<Handler>(h)(std::move(error), awaited_t<T>());
    }
}

/// Initiates: `handler` gets `error` when the state is done, or `operation_aborted`, on its
/// associated executor or the system's.
template <class Handler>
void initiate_wait(Handler handler, shared_state_base& state, boost::system::error_code error) {
    namespace asio = boost::asio;
    const auto ex = asio::get_associated_executor(handler, asio::system_executor());
    complete_when_done(
        state, ex, std::move(handler),
        [error](auto&& h, wait_status end) {
            std::forward<decltype(h)>(h)(
                end == wait_status::abandoned
                    ? asio::error::make_error_code(asio::error::operation_aborted)
                    : error);
        },
        cancel_mode::stop_waiting);
}

/// Initiates: `handler` gets the outcome on `ex`; `kept` lives as long as the handler.
template <class T, class Handler, class E, class Kept = std::monostate>
void initiate_result_on(Handler handler, boost::intrusive_ptr<shared_state<T>> state, const E& ex,
                        bool take, Kept kept = {}) {
    shared_state_base& started = *state;
    complete_when_done(
        started, ex, std::move(handler),
        [state = std::move(state), take, kept = std::move(kept)](auto&& h, wait_status end) {
            FERRY_ASSERT(runs_here(boost::asio::get_associated_executor(h)));
            static_cast<void>(kept);
            complete_with<T>(std::forward<decltype(h)>(h), *state, end, take);
        },
        cancel_mode::cancel_task);
}

/// The same on the handler's associated executor, else on `fallback`.
template <class T, class Handler, class E>
void initiate_result(Handler handler, boost::intrusive_ptr<shared_state<T>> state,
                     const E& fallback, bool take) {
    const auto ex = boost::asio::get_associated_executor(handler, fallback);
    initiate_result_on<T>(std::move(handler), std::move(state), ex, take);
}

} // namespace detail
} // namespace ferry
