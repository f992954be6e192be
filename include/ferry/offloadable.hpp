// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <ferry/detail/copied.hpp>
#include <ferry/detail/is_awaitable.hpp>
#include <ferry/future.hpp>
#include <ferry/fwd.hpp>

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

template <class F, class... A>
inline constexpr bool is_callable =
    std::is_invocable_v<std::decay_t<F>, std::decay_t<A>...> || takes_stop_token<F, A...>;

template <bool Stop, class F, class... A>
struct returned_by : std::invoke_result<std::decay_t<F>, std::decay_t<A>...> {};
template <class F, class... A>
struct returned_by<true, F, A...>
    : std::invoke_result<std::decay_t<F>, std::stop_token, std::decay_t<A>...> {};

template <class F, class... A>
using returned_t = typename returned_by<takes_stop_token<F, A...>, F, A...>::type;

/// Callable as `fn(args..., stop_token)`, which is never tried.
template <class F, class... A>
inline constexpr bool takes_stop_token_last =
    std::is_invocable_v<std::decay_t<F>, std::decay_t<A>..., std::stop_token>;
/// Callable only with lvalues of the copies, which the call does not pass.
template <class F, class... A>
inline constexpr bool takes_references_to_copies =
    std::is_invocable_v<std::decay_t<F>, std::decay_t<A>&...> ||
    std::is_invocable_v<std::decay_t<F>, std::stop_token, std::decay_t<A>&...>;

/// Something with a name that hides, or makes ambiguous, that of a call operator.
struct named_call {
    void operator()();
};
template <class F>
struct with_named_call : F, named_call {};

/// False if `F` has no call operator, whatever the arguments.
template <class F>
inline constexpr bool may_be_called =
    std::is_function_v<std::remove_pointer_t<F>> || std::is_member_pointer_v<F> ||
    std::is_final_v<F> || std::is_union_v<F>;
template <class F>
    requires std::is_class_v<F> && (!std::is_final_v<F>)
inline constexpr bool may_be_called<F> = !requires { &with_named_call<F>::operator(); };
template <class T>
inline constexpr bool may_be_called<std::reference_wrapper<T>> = may_be_called<T>;

// The most common mistakes. Each is looked for only in calls that are not valid.
template <class F, class... A>
concept function_or_function_object__the_arguments_follow_it =
    is_callable<F, A...> || may_be_called<std::decay_t<F>>;
template <class F, class... A>
concept task_options_before_the_function__not_among_its_arguments =
    is_callable<F, A...> || !(std::is_same_v<std::decay_t<A>, task_options> || ...);
template <class F, class... A>
concept stop_token_as_the_first_parameter__not_the_last =
    is_callable<F, A...> || !takes_stop_token_last<F, A...>;
template <class F, class... A>
concept no_parameter_by_non_const_reference__say_std_ref =
    is_callable<F, A...> || !takes_references_to_copies<F, A...>;
template <class F, class... A>
concept callable_with_copies_of_the_arguments__check_their_number_and_types = is_callable<F, A...>;

template <class R>
concept not_a_coroutine__await_it_instead = !is_awaitable<std::remove_cvref_t<R>>::value;
template <class R, class... A>
concept no_reference_to_an_argument__return_a_value =
    !(std::is_reference_v<R> && (std::is_same_v<std::remove_cvref_t<R>, std::decay_t<A>> || ...));

/// The referent of an rvalue reference ends with the call, so its value is moved out. Void if the
/// call is not valid, so that compilers get as far as the constraint that refuses it.
template <class F, class... A>
struct call_result {
    using type = void;
};
template <class F, class... A>
    requires is_callable<F, A...>
struct call_result<F, A...>
    : std::conditional<std::is_rvalue_reference_v<returned_t<F, A...>>,
                       std::remove_cvref_t<returned_t<F, A...>>, returned_t<F, A...>> {};
template <class F, class... A>
using call_result_t = typename call_result<F, A...>::type;

} // namespace detail

/// A call that can be offloaded: a callable and arguments that can be decay-copied.
///
/// The call must be valid with the decayed arguments, with or without a leading `std::stop_token`.
/// It must not be a coroutine, and its result must not refer to one of its own arguments.
template <class F, class... A>
concept offloadable =
    detail::function_or_function_object__the_arguments_follow_it<F, A...> &&
    detail::copied_or_moved_into_the_call__say_std_move<F> &&
    (detail::copied_or_moved_into_the_call__say_std_move<A> && ...) &&
    detail::task_options_before_the_function__not_among_its_arguments<F, A...> &&
    detail::stop_token_as_the_first_parameter__not_the_last<F, A...> &&
    detail::no_parameter_by_non_const_reference__say_std_ref<F, A...> &&
    detail::callable_with_copies_of_the_arguments__check_their_number_and_types<F, A...> &&
    detail::not_a_coroutine__await_it_instead<detail::returned_t<F, A...>> &&
    detail::no_reference_to_an_argument__return_a_value<detail::returned_t<F, A...>, A...>;

/// Result type of `fn(args...)` with decay-copied arguments. An rvalue-reference result (such as a
/// member of an argument) is returned by value.
template <class F, class... A>
using offload_result_t = detail::call_result_t<F, A...>;

} // namespace ferry
