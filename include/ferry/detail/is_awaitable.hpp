// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <boost/asio/awaitable.hpp>

#include <concepts>
#include <type_traits>

namespace ferry::detail {

template <class T>
struct is_awaitable : std::false_type {};
template <class T, class E>
struct is_awaitable<boost::asio::awaitable<T, E>> : std::true_type {};

/// Callable again and again, each time for another awaitable with the default executor.
template <class F>
concept awaitable_maker =
    std::move_constructible<F> && std::invocable<F&> &&
    requires { typename std::invoke_result_t<F&>::value_type; } &&
    std::same_as<std::invoke_result_t<F&>,
                 boost::asio::awaitable<typename std::invoke_result_t<F&>::value_type>>;

} // namespace ferry::detail
