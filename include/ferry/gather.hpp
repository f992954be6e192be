// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <ferry/detail/child_scope.hpp>

#include <boost/system/result.hpp>

#include <tuple>
#include <vector>

namespace ferry {

/// The type of `return_exceptions`.
struct return_exceptions_t {};
/// Tag for `gather`: collect every child's value or exception instead of cancelling the others on
/// the first failure.
inline constexpr return_exceptions_t return_exceptions{};

/// The outcome of one child of `gather(return_exceptions, ...)`: its value, with `std::monostate`
/// in place of `void` and a `std::reference_wrapper` in place of a reference, or its exception.
template <class T>
using gather_result = boost::system::result<regular_t<T>, std::exception_ptr>;

namespace detail {

/// The children of a gather and their results, each in a place of its own.
template <class Places>
class gather_state final : public child_scope {
public:
    explicit gather_state(const boost::asio::any_io_executor& parent)
        : child_scope(parent, wait_kind::gather) {}

    template <class T>
    void add_child(boost::asio::awaitable<T> a, std::optional<gather_result<T>>& place,
                   bool keep_going) {
        this->add(
            std::move(a), [&place](regular_t<T> v) { place.emplace(std::move(v)); },
            [this, &place, keep_going](std::exception_ptr e) {
                place.emplace(child_error(e));
                if (!keep_going && first == nullptr) {
                    first = place->error();
                    this->cancel_children();
                }
            });
    }

    Places places;
    std::exception_ptr first;
};

template <class... T>
boost::asio::awaitable<std::tuple<regular_t<T>...>>
gather_values(boost::asio::awaitable<T>... awaitables) {
    using places = std::tuple<std::optional<gather_result<T>>...>;
    const auto ex = co_await boost::asio::this_coro::executor;
    boost::intrusive_ptr<gather_state<places>> g(new gather_state<places>(ex));
    std::apply([&](auto&... place) { (g->add_child(std::move(awaitables), place, false), ...); },
               g->places);
    g->launch();
    wait_status how{};
    co_await all_ended(*g, how);
    check_ended(how);
    if (g->first)
        std::rethrow_exception(g->first);
    co_return std::apply(
        [](auto&... place) { return std::tuple<regular_t<T>...>(std::move(**place)...); },
        g->places);
}

} // namespace detail

/// Runs the coroutines concurrently and returns their values in argument order, with
/// `std::monostate` in place of `void`.
///
/// @par Executor
/// The children run on the awaiting coroutine's executor, wrapped in a strand unless it already is
/// one or belongs to `run`. The awaiting coroutine resumes on its own executor.
///
/// @par Cancellation
/// All types: forwarded to the children, which are awaited; the outcome is then the first exception
/// of a child, as a rule `cancelled_error`, or the values if all children return one nevertheless.
///
/// @par Blocking
/// Never.
///
/// @par Errors
/// The first exception of a child, thrown after the others were cancelled and have ended. A child
/// that was cancelled counts as one that threw `cancelled_error`.
///
/// @par Lifetime
/// The awaitables belong to the returned one, and start when that is awaited.
///
/// @par Example
/// @code
/// auto [user, orders] = co_await ferry::gather(load_user(id), load_orders(id));
/// @endcode
///
/// @par See also
/// asyncio's `gather`; `with_task_group`, which reports all failures.
template <class... T>
boost::asio::awaitable<std::tuple<regular_t<T>...>>
gather(boost::asio::awaitable<T>... awaitables) {
    return detail::gather_values(std::move(awaitables)...);
}

/// Runs the coroutines concurrently and returns each child's value or exception, in argument order.
/// The exception of a child does not cancel the others.
///
/// @par Executor
/// The children run on the awaiting coroutine's executor, wrapped in a strand unless it already is
/// one or belongs to `run`. The awaiting coroutine resumes on its own executor.
///
/// @par Cancellation
/// All types: forwarded to the children, which are awaited; their outcomes are then returned.
///
/// @par Blocking
/// Never.
template <class... T>
boost::asio::awaitable<std::tuple<gather_result<T>...>>
gather(return_exceptions_t, boost::asio::awaitable<T>... awaitables) {
    using places = std::tuple<std::optional<gather_result<T>>...>;
    const auto ex = co_await boost::asio::this_coro::executor;
    boost::intrusive_ptr<detail::gather_state<places>> g(new detail::gather_state<places>(ex));
    std::apply([&](auto&... place) { (g->add_child(std::move(awaitables), place, true), ...); },
               g->places);
    g->launch();
    detail::wait_status how{};
    co_await detail::all_ended(*g, how);
    detail::check_ended(how);
    co_return std::apply(
        [](auto&... place) { return std::tuple<gather_result<T>...>(std::move(*place)...); },
        g->places);
}

namespace detail {

template <class T>
boost::asio::awaitable<
    boost::intrusive_ptr<gather_state<std::vector<std::optional<gather_result<T>>>>>>
gather_all(std::vector<boost::asio::awaitable<T>> awaitables, bool keep_going) {
    using places = std::vector<std::optional<gather_result<T>>>;
    const auto ex = co_await boost::asio::this_coro::executor;
    boost::intrusive_ptr<gather_state<places>> g(new gather_state<places>(ex));
    g->places.resize(awaitables.size());
    for (std::size_t i = 0; i < awaitables.size(); ++i)
        g->add_child(std::move(awaitables[i]), g->places[i], keep_going);
    g->launch();
    wait_status how{};
    co_await all_ended(*g, how);
    check_ended(how);
    co_return g;
}

} // namespace detail

/// Runs the coroutines of a vector concurrently and returns their values in its order, or throws
/// the first exception after the others were cancelled and have ended. Otherwise as the variadic
/// overload.
template <class T>
boost::asio::awaitable<std::vector<regular_t<T>>>
gather(std::vector<boost::asio::awaitable<T>>&& awaitables) {
    return [](std::vector<boost::asio::awaitable<T>> owned)
               -> boost::asio::awaitable<std::vector<regular_t<T>>> {
        const auto g = co_await detail::gather_all(std::move(owned), false);
        if (g->first)
            std::rethrow_exception(g->first);
        std::vector<regular_t<T>> values;
        values.reserve(g->places.size());
        for (auto& place : g->places)
            values.push_back(std::move(**place));
        co_return values;
    }(std::move(awaitables));
}

/// Runs the coroutines of a vector concurrently and returns each child's value or exception, in its
/// order. Otherwise as the variadic overload with `return_exceptions`.
template <class T>
boost::asio::awaitable<std::vector<gather_result<T>>>
gather(return_exceptions_t, std::vector<boost::asio::awaitable<T>>&& awaitables) {
    return [](std::vector<boost::asio::awaitable<T>> owned)
               -> boost::asio::awaitable<std::vector<gather_result<T>>> {
        const auto g = co_await detail::gather_all(std::move(owned), true);
        std::vector<gather_result<T>> results;
        results.reserve(g->places.size());
        for (auto& place : g->places)
            results.push_back(std::move(*place));
        co_return results;
    }(std::move(awaitables));
}

} // namespace ferry
