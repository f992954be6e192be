// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <ferry/detail/delivery.hpp>
#include <ferry/detail/ending_handler.hpp>

#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/system_executor.hpp>
#include <boost/asio/this_coro.hpp>

#include <concepts>
#include <functional>
#include <optional>
#include <variant>

namespace ferry {

/// What an awaitable or a handler gets for a result of type `T`: a reference comes as a
/// `std::reference_wrapper`.
template <class T>
using awaited_t =
    std::conditional_t<std::is_reference_v<T>,
                       std::reference_wrapper<std::remove_reference_t<T>>, T>;

namespace detail {

/// The same where nothing can be void.
template <class T>
using regular_t = std::conditional_t<std::is_void_v<T>, std::monostate, awaited_t<T>>;

/// An operation for `co_await`: waits, on the coroutine's executor, until the state is done or the
/// coroutine is cancelled, and stores which of them it was. All of it stays with the coroutine.
inline auto until_done(shared_state_base& state, on_cancel rule, ending& result) {
    return boost::asio::async_initiate<const boost::asio::deferred_t&, void()>(
        [](auto handler, shared_state_base* s, ending* where, on_cancel r) {
            const auto ex = boost::asio::get_associated_executor(handler);
            deliver_when_done(*s, ex,
                              ending_handler(std::move(handler),
                                             [where](auto&& h, ending end) {
                                                 *where = end;
                                                 std::move(h)();
                                             }),
                              r);
        },
        boost::asio::deferred, &state, &result, rule);
}

/// The exception that an outcome is, null for a value.
inline std::exception_ptr error_of(const shared_state_base& s, ending end) {
    if (end == ending::abandoned)
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
awaited_t<T> outcome_of(shared_state<T>& s, ending end, bool take) {
    if (end == ending::abandoned || s.current() != status::value)
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

/// Calls a handler of that signature with the outcome.
template <class T, class Handler>
void complete_with(Handler&& h, shared_state<T>& s, ending end, bool take) {
    std::exception_ptr error = error_of(s, end);
    if constexpr (std::is_void_v<T>) {
        std::forward<Handler>(h)(std::move(error));
    } else {
        std::optional<T> value;
        if (!error) {
            try {
                value.emplace(value_of(s, take));
            } catch (...) { // taken, or its copy failed
                error = std::current_exception();
            }
        }
        std::forward<Handler>(h)(std::move(error), value ? std::move(*value) : T());
    }
}

/// Initiates: `handler` gets the outcome on `ex`; `kept` lives as long as the handler.
template <class T, class Handler, class E, class Kept = std::monostate>
void initiate_result_on(Handler handler, boost::intrusive_ptr<shared_state<T>> state, const E& ex,
                        bool take, Kept kept = {}) {
    shared_state_base& started = *state;
    deliver_when_done(started, ex,
                      ending_handler(std::move(handler),
                                     [state = std::move(state), take,
                                      kept = std::move(kept)](auto&& h, ending end) {
                                         const auto keep = state;
                                         static_cast<void>(kept);
                                         complete_with<T>(std::move(h), *keep, end, take);
                                     }),
                      on_cancel::cancel_task);
}

/// The same on the handler's associated executor, else on `fallback`.
template <class T, class Handler, class E>
void initiate_result(Handler handler, boost::intrusive_ptr<shared_state<T>> state, const E& fallback,
                     bool take) {
    const auto ex = boost::asio::get_associated_executor(handler, fallback);
    initiate_result_on<T>(std::move(handler), std::move(state), ex, take);
}

} // namespace detail
} // namespace ferry
