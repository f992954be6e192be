// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <ferry/detail/child_scope.hpp>

#include <boost/system/result.hpp>

#include <tuple>
#include <vector>

namespace ferry {

struct return_exceptions_t {};
/// For `gather`: gives each child's value or exception, and cancels nobody.
inline constexpr return_exceptions_t return_exceptions{};

namespace detail {

template <class T>
using child_result = boost::system::result<regular_t<T>, std::exception_ptr>;

/// The children of a gather and their results, each in a place of its own.
template <class Places>
class gathering final : public child_scope {
public:
    using child_scope::child_scope;

    template <class T>
    void add_child(boost::asio::awaitable<T> a, std::optional<child_result<T>>& place, bool keep_going) {
        this->add(
            std::move(a), [&place](regular_t<T> v) { place.emplace(std::move(v)); },
            [this, &place, keep_going](std::exception_ptr e) {
                place.emplace(child_error(std::move(e)));
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
    using places = std::tuple<std::optional<child_result<T>>...>;
    const auto ex = co_await boost::asio::this_coro::executor;
    boost::intrusive_ptr<gathering<places>> g(new gathering<places>(ex));
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

/// Runs the coroutines concurrently and gives their values in the order of the arguments; void comes
/// as `std::monostate`. The first exception is thrown after the others were cancelled and have
/// ended; a child that was cancelled counts as one that threw `cancelled_error`.
/// Executor: the children run on the awaiting coroutine's executor, through an internal strand where
/// it is none; it resumes on its own. Cancellation (all types): passed on to the children, which are
/// waited for. Blocking: never. Source: `asyncio.gather`.
template <class... T>
boost::asio::awaitable<std::tuple<detail::regular_t<T>...>>
gather(boost::asio::awaitable<T>... awaitables) {
    return detail::gather_values(std::move(awaitables)...);
}

/// The same with each child's value or exception; an exception cancels nobody.
template <class... T>
boost::asio::awaitable<std::tuple<detail::child_result<T>...>>
gather(return_exceptions_t, boost::asio::awaitable<T>... awaitables) {
    using places = std::tuple<std::optional<detail::child_result<T>>...>;
    const auto ex = co_await boost::asio::this_coro::executor;
    boost::intrusive_ptr<detail::gathering<places>> g(new detail::gathering<places>(ex));
    std::apply([&](auto&... place) { (g->add_child(std::move(awaitables), place, true), ...); },
               g->places);
    g->launch();
    detail::wait_status how{};
    co_await detail::all_ended(*g, how);
    detail::check_ended(how);
    co_return std::apply(
        [](auto&... place) { return std::tuple<detail::child_result<T>...>(std::move(*place)...); },
        g->places);
}

namespace detail {

template <class T>
boost::asio::awaitable<boost::intrusive_ptr<gathering<std::vector<std::optional<child_result<T>>>>>>
gather_all(std::vector<boost::asio::awaitable<T>> awaitables, bool keep_going) {
    using places = std::vector<std::optional<child_result<T>>>;
    const auto ex = co_await boost::asio::this_coro::executor;
    boost::intrusive_ptr<gathering<places>> g(new gathering<places>(ex));
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

template <class T>
boost::asio::awaitable<std::vector<detail::regular_t<T>>>
gather(std::vector<boost::asio::awaitable<T>>&& awaitables) {
    return [](std::vector<boost::asio::awaitable<T>> owned)
               -> boost::asio::awaitable<std::vector<detail::regular_t<T>>> {
        const auto g = co_await detail::gather_all(std::move(owned), false);
        if (g->first)
            std::rethrow_exception(g->first);
        std::vector<detail::regular_t<T>> values;
        values.reserve(g->places.size());
        for (auto& place : g->places)
            values.push_back(std::move(**place));
        co_return values;
    }(std::move(awaitables));
}

template <class T>
boost::asio::awaitable<std::vector<detail::child_result<T>>>
gather(return_exceptions_t, std::vector<boost::asio::awaitable<T>>&& awaitables) {
    return [](std::vector<boost::asio::awaitable<T>> owned)
               -> boost::asio::awaitable<std::vector<detail::child_result<T>>> {
        const auto g = co_await detail::gather_all(std::move(owned), true);
        std::vector<detail::child_result<T>> results;
        results.reserve(g->places.size());
        for (auto& place : g->places)
            results.push_back(std::move(*place));
        co_return results;
    }(std::move(awaitables));
}

} // namespace ferry
