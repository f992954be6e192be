// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <ferry/detail/is_awaitable.hpp>
#include <ferry/future.hpp>

#include <functional>
#include <stop_token>
#include <tuple>
#include <type_traits>

namespace ferry {
namespace detail {

template <class F, class... A>
inline constexpr bool takes_stop_token =
    !std::is_invocable_v<std::decay_t<F>, std::decay_t<A>...> &&
    std::is_invocable_v<std::decay_t<F>, std::stop_token, std::decay_t<A>...>;

/// Has a `type` where that is possible; compilers name it where it is not.
template <bool Stop, class F, class... A>
struct call_with_copies_of_these_arguments
    : std::invoke_result<std::decay_t<F>, std::decay_t<A>...> {};
template <class F, class... A>
struct call_with_copies_of_these_arguments<true, F, A...>
    : std::invoke_result<std::decay_t<F>, std::stop_token, std::decay_t<A>...> {};

template <class F, class... A>
using returned_t =
    typename call_with_copies_of_these_arguments<takes_stop_token<F, A...>, F, A...>::type;

template <class R>
concept not_a_coroutine__await_it_instead = !is_awaitable<std::remove_cvref_t<R>>::value;
template <class R, class... A>
concept no_reference_to_an_argument__return_a_value =
    !(std::is_reference_v<R> && (std::is_same_v<std::remove_cvref_t<R>, std::decay_t<A>> || ...));

/// What an rvalue reference refers to ends with the call: its value is moved out.
template <class F, class... A>
using call_result_t =
    std::conditional_t<std::is_rvalue_reference_v<returned_t<F, A...>>,
                       std::remove_cvref_t<returned_t<F, A...>>, returned_t<F, A...>>;

} // namespace detail

/// What can be offloaded: callable with its decayed arguments, with or without a leading
/// `std::stop_token`; not a coroutine; its result does not refer to one of its own arguments.
template <class F, class... A>
concept offloadable =
    requires { typename detail::returned_t<F, A...>; } &&
    detail::not_a_coroutine__await_it_instead<detail::returned_t<F, A...>> &&
    detail::no_reference_to_an_argument__return_a_value<detail::returned_t<F, A...>, A...>;

/// What a call gives once its arguments were decay-copied; a value in place of an rvalue reference,
/// as a member of an argument is.
template <class F, class... A>
using offload_result_t = detail::call_result_t<F, A...>;

} // namespace ferry
