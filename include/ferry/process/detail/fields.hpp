// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <boost/preprocessor/repetition/enum.hpp>
#include <boost/preprocessor/repetition/enum_params.hpp>
#include <boost/preprocessor/repetition/enum_trailing.hpp>
#include <boost/preprocessor/repetition/repeat_from_to.hpp>

#include <cstddef>
#include <type_traits>
#include <utility>

// The members of an aggregate, without a macro of the user's. How many there are is how many empty
// braces initialise it, so that an array is one member; which they are says a structured binding.
//
// What a structured binding cannot see through is found out first, so that it is an answer and not
// an error: a base class, since an initialiser fits that only converts to bases; a union, likewise;
// a bit-field, to which no reference binds; a const or reference member, by the type that the
// binding names.

namespace ferry::detail {

/// What has as many members, or nearly, is not looked into.
inline constexpr std::size_t most_fields = 128;
template <std::size_t N>
using size_constant = std::integral_constant<std::size_t, N>;

/// Converts to everything. Not defined, as those that follow: only for asking.
struct to_any {
    template <class T>
    constexpr operator T&() const&& noexcept;
    template <class T>
    constexpr operator T&() const& noexcept;
};
template <class Derived>
struct to_base_of {
    template <class T>
        requires(std::is_base_of_v<T, Derived> && !std::is_same_v<T, Derived>)
    constexpr operator T&() const noexcept;
};
template <class Derived>
struct to_base_value_of {
    template <class T>
        requires(std::is_base_of_v<T, Derived> && !std::is_same_v<T, Derived>)
    constexpr operator T() const noexcept;
};
/// Converts to unions but those that `Excepted` holds for.
template <template <class> class Excepted>
struct to_union {
    template <class T>
        requires(std::is_union_v<T> && !Excepted<T>::value)
    constexpr operator T() const noexcept; // g++ 12 finds no reference to an anonymous one
};
struct to_nothing {};

/// Binds to what a reference can refer to: not to a bit-field.
template <class... T>
void refer_to(T&...);

template <bool Referable, class... T>
struct field_list {
    /// None is a bit-field, a reference or const.
    static constexpr bool plain =
        Referable && ((!std::is_reference_v<T> && !std::is_const_v<T>) && ...);
};

template <class T>
constexpr bool takes_braces(size_constant<0>) {
    return true;
}
template <class T, class Last>
constexpr bool takes_behind(size_constant<0>) {
    return requires { T{Last{}}; };
}
template <class T>
constexpr field_list<true> list_fields(T&, size_constant<0>) {
    return {};
}

// For each number of members: whether T takes that many empty braces, and such an initialiser
// behind them; what a structured binding names; and a call with them all.
// clang-format off
#define FERRY_BRACES(z, n, unused) {}
#define FERRY_FIELD_TYPE(z, n, unused) decltype(f##n)
#define FERRY_FIELDS(z, n, unused)                                                                 \
    template <class T>                                                                             \
    constexpr bool takes_braces(size_constant<n>) {                                                \
        return requires { T{BOOST_PP_ENUM(n, FERRY_BRACES, ~)}; };                                 \
    }                                                                                              \
    template <class T, class Last>                                                                 \
    constexpr bool takes_behind(size_constant<n>) {                                                \
        return requires { T{BOOST_PP_ENUM(n, FERRY_BRACES, ~), Last{}}; };                         \
    }                                                                                              \
    template <class T>                                                                             \
    constexpr auto list_fields(T& value, size_constant<n>) {                                       \
        [[maybe_unused]] auto& [BOOST_PP_ENUM_PARAMS(n, f)] = value;                               \
        constexpr bool referable = requires { refer_to(BOOST_PP_ENUM_PARAMS(n, f)); };             \
        return field_list<referable BOOST_PP_ENUM_TRAILING(n, FERRY_FIELD_TYPE, ~)>{};             \
    }                                                                                              \
    template <class T, class F>                                                                    \
    void call_with_fields(T& value, size_constant<n>, F f) {                                       \
        auto& [BOOST_PP_ENUM_PARAMS(n, f)] = value;                                                \
        f(BOOST_PP_ENUM_PARAMS(n, f));                                                             \
    }
BOOST_PP_REPEAT_FROM_TO(1, 129, FERRY_FIELDS, ~)
#undef FERRY_FIELDS
#undef FERRY_FIELD_TYPE
#undef FERRY_BRACES
// clang-format on

template <class T, std::size_t... I>
constexpr bool takes_any(std::index_sequence<I...>) {
    return requires { T{(static_cast<void>(I), to_any{})...}; };
}

/// The largest number for which `Takes` holds, between one that does and one that does not.
template <template <std::size_t> class Takes, std::size_t Yes, std::size_t No>
constexpr std::size_t largest_of() {
    if constexpr (No - Yes <= 1) {
        return Yes;
    } else {
        constexpr std::size_t middle = Yes + (No - Yes) / 2;
        if constexpr (Takes<middle>::value)
            return largest_of<Takes, middle, No>();
        else
            return largest_of<Takes, Yes, middle>();
    }
}

/// What can be known of an aggregate without asking its members.
template <class T, template <class> class SerializableUnion>
struct aggregate_fields {
    /// How many members it has; `most_fields` stands for too many.
    static constexpr std::size_t count() {
        constexpr std::size_t n = largest_of<braces, 0, most_fields>();
        // A member that cannot be made from empty braces needs something else.
        if constexpr (takes_behind<T, to_any>(size_constant<n>()))
            return largest_of<anything, 0, most_fields>();
        else
            return n;
    }
    /// Whether they can be seen, each by itself, and written to.
    static constexpr bool visible() {
        if constexpr (has_base() || count() == most_fields - 1 ||
                      has_union(std::make_index_sequence<count()>()))
            return false;
        else
            return decltype(list_fields(std::declval<T&>(), size_constant<count()>()))::plain;
    }

private:
    template <std::size_t N>
    using braces = std::bool_constant<takes_braces<T>(size_constant<N>())>;
    template <std::size_t N>
    using anything = std::bool_constant<takes_any<T>(std::make_index_sequence<N>())>;

    // A member with a constructor for everything is neither.
    static constexpr bool has_base() {
        constexpr size_constant<0> first;
        return (takes_behind<T, to_base_of<T>>(first) ||
                takes_behind<T, to_base_value_of<T>>(first)) &&
               !takes_behind<T, to_nothing>(first);
    }
    template <std::size_t... I>
    static constexpr bool has_union(std::index_sequence<I...>) {
        return ((takes_behind<T, to_union<SerializableUnion>>(size_constant<I>()) &&
                 !takes_behind<T, to_nothing>(size_constant<I>())) ||
                ...);
    }
};

} // namespace ferry::detail
