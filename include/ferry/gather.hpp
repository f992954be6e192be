// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <ferry/detail/child_scope.hpp>

#include <boost/system/result.hpp>

#include <cstddef>
#include <optional>
#include <tuple>
#include <utility>
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

/// The places of the outcomes of some awaitables.
template <class Awaitables>
struct gather_places;
template <class... T>
struct gather_places<std::tuple<boost::asio::awaitable<T>...>> {
    using type = std::tuple<std::optional<gather_result<T>>...>;
};
template <class T>
struct gather_places<std::vector<boost::asio::awaitable<T>>> {
    using type = std::vector<std::optional<gather_result<T>>>;
};

/// The children of a gather and their outcomes, each in a place of its own. With `KeepGoing` a
/// failure does not cancel the others, and the results are outcomes instead of values.
template <class Awaitables, bool KeepGoing>
class gather_state final : public child_scope {
public:
    explicit gather_state(const boost::asio::any_io_executor& parent)
        : child_scope(parent, wait_kind::gather) {}

    template <class... T>
    void add_children(std::tuple<boost::asio::awaitable<T>...>& awaitables) {
        [&]<std::size_t... I>(std::index_sequence<I...>) {
            (add_child(std::get<I>(awaitables), std::get<I>(places_)), ...);
        }(std::index_sequence_for<T...>());
    }
    template <class T>
    void add_children(std::vector<boost::asio::awaitable<T>>& awaitables) {
        places_.resize(awaitables.size());
        for (std::size_t i = 0; i < awaitables.size(); ++i)
            add_child(awaitables[i], places_[i]);
    }

    /// For the parent, when all have ended.
    template <class Results>
    Results results() {
        if (first_ != nullptr)
            std::rethrow_exception(first_);
        if constexpr (requires(Results r) { r.reserve(1); }) {
            Results all;
            all.reserve(places_.size());
            for (auto& place : places_)
                all.push_back(result_in(place));
            return all;
        } else {
            return std::apply([](auto&... place) { return Results(result_in(place)...); }, places_);
        }
    }

private:
    template <class T>
    void add_child(boost::asio::awaitable<T>& a, std::optional<gather_result<T>>& place) {
        this->add(
            std::move(a), [&place](regular_t<T> v) { place.emplace(std::move(v)); },
            [this, &place](std::exception_ptr e) {
                place.emplace(child_error(e));
                if (!KeepGoing && first_ == nullptr) {
                    first_ = place->error();
                    this->cancel_children();
                }
            });
    }
    template <class Place>
    static decltype(auto) result_in(Place& place) {
        if constexpr (KeepGoing)
            return std::move(*place);
        else
            return std::move(**place);
    }

    typename gather_places<Awaitables>::type places_;
    std::exception_ptr first_; // of the failures, unless it keeps going
};

/// Runs the coroutines, waits until all have ended, and returns their results.
template <class Results, bool KeepGoing, class Awaitables>
boost::asio::awaitable<Results> run_children(Awaitables awaitables) {
    using state = gather_state<Awaitables, KeepGoing>;
    const auto ex = co_await boost::asio::this_coro::executor;
    boost::intrusive_ptr<state> g(new state(ex));
    g->add_children(awaitables);
    g->launch();
    wait_status how{};
    co_await all_ended(*g, how);
    check_ended(how);
    co_return g->template results<Results>();
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
    return detail::run_children<std::tuple<regular_t<T>...>, false>(
        std::tuple<boost::asio::awaitable<T>...>(std::move(awaitables)...));
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
    return detail::run_children<std::tuple<gather_result<T>...>, true>(
        std::tuple<boost::asio::awaitable<T>...>(std::move(awaitables)...));
}

/// Runs the coroutines of a vector concurrently and returns their values in its order, or throws
/// the first exception after the others were cancelled and have ended. Otherwise as the variadic
/// overload.
template <class T>
boost::asio::awaitable<std::vector<regular_t<T>>>
gather(std::vector<boost::asio::awaitable<T>>&& awaitables) {
    return detail::run_children<std::vector<regular_t<T>>, false>(std::move(awaitables));
}

/// Runs the coroutines of a vector concurrently and returns each child's value or exception, in its
/// order. Otherwise as the variadic overload with `return_exceptions`.
template <class T>
boost::asio::awaitable<std::vector<gather_result<T>>>
gather(return_exceptions_t, std::vector<boost::asio::awaitable<T>>&& awaitables) {
    return detail::run_children<std::vector<gather_result<T>>, true>(std::move(awaitables));
}

} // namespace ferry
