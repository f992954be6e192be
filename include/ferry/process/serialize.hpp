// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <ferry/process/detail/archive.hpp>
#include <ferry/process/detail/bytes.hpp>
#include <ferry/process/detail/error_code.hpp>
#include <ferry/process/detail/fields.hpp>

#include <cereal/cereal.hpp>
#include <cereal/types/array.hpp>
#include <cereal/types/bitset.hpp>
#include <cereal/types/chrono.hpp>
#include <cereal/types/common.hpp>
#include <cereal/types/complex.hpp>
#include <cereal/types/deque.hpp>
#include <cereal/types/forward_list.hpp>
#include <cereal/types/list.hpp>
#include <cereal/types/map.hpp>
#include <cereal/types/memory.hpp>
#include <cereal/types/optional.hpp>
#include <cereal/types/polymorphic.hpp>
#include <cereal/types/queue.hpp>
#include <cereal/types/set.hpp>
#include <cereal/types/stack.hpp>
#include <cereal/types/string.hpp>
#include <cereal/types/tuple.hpp>
#include <cereal/types/unordered_map.hpp>
#include <cereal/types/unordered_set.hpp>
#include <cereal/types/utility.hpp>
#include <cereal/types/valarray.hpp>
#include <cereal/types/variant.hpp>
#include <cereal/types/vector.hpp>

#include <chrono>
#include <concepts>
#include <filesystem>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <type_traits>
#include <utility>
#include <vector>

namespace ferry {

namespace detail {

/// Archives that know nothing of Ferry, to ask what cereal can do by itself. They have a namespace
/// of their own, so that argument-dependent lookup for them does not find Ferry's functions.
namespace serialize_probe {
struct output : cereal::OutputArchive<output> {
    output() : OutputArchive(this) {}
};
struct input : cereal::InputArchive<input> {
    input() : InputArchive(this) {}
};
} // namespace serialize_probe

/// A class that says itself, through cereal, how it is serialised.
template <class T>
concept says_how = cereal::traits::is_output_serializable<T, serialize_probe::output>::value &&
                   cereal::traits::is_input_serializable<T, serialize_probe::input>::value;

template <class T>
struct is_serializable_union : std::bool_constant<says_how<T>> {};

template <class T>
concept silent_aggregate = std::is_class_v<T> && std::is_aggregate_v<T> && !says_how<T>;
template <class T>
using fields_of = aggregate_fields<T, is_serializable_union>;
/// Sent member after member.
template <class T>
concept plain_aggregate = silent_aggregate<T> && fields_of<T>::visible();

/// Types that an answer is being sought for: one that contains itself can be sent when everything
/// else in it can.
template <class... T>
struct asked {};

template <class T, class Asked = asked<>>
struct is_sendable;
template <class Asked, class... T>
inline constexpr bool all_sendable = (is_sendable<std::remove_cv_t<T>, Asked>::value && ...);

template <class T, class Asked>
struct is_sendable_class : std::bool_constant<says_how<T>> {};
template <plain_aggregate T, class... Asked>
struct is_sendable_class<T, asked<Asked...>> {
    template <class... Field>
    static constexpr bool fields(field_list<true, Field...>) {
        return all_sendable<asked<T, Asked...>, Field...>;
    }
    static constexpr bool known() {
        if constexpr ((std::is_same_v<T, Asked> || ...))
            return true;
        else
            return fields(decltype(list_fields(std::declval<T&>(),
                                               size_constant<fields_of<T>::count()>()))());
    }
    static constexpr bool value = known();
};

template <class T, class Asked>
struct is_sendable
    : std::bool_constant<std::is_arithmetic_v<T> || std::is_enum_v<T> ||
                         std::conjunction_v<std::disjunction<std::is_class<T>, std::is_union<T>>,
                                            is_sendable_class<T, Asked>>> {};
template <class T, std::size_t N, class Asked>
struct is_sendable<T[N], Asked> : is_sendable<std::remove_cv_t<T>, Asked> {};
template <class T, std::size_t N, class Asked>
struct is_sendable<std::array<T, N>, Asked> : is_sendable<T, Asked> {};
template <class C, class Traits, class A, class Asked>
struct is_sendable<std::basic_string<C, Traits, A>, Asked> : std::true_type {};

// What holds other types can be sent when they can.
#define FERRY_SENDABLE_AS(holder, ...)                                                             \
    struct is_sendable<holder, Asked> : std::bool_constant<all_sendable<Asked, __VA_ARGS__>> {};
#define FERRY_HOLDER(...) __VA_ARGS__
template <class Asked, class T, class A>
FERRY_SENDABLE_AS(FERRY_HOLDER(std::vector<T, A>), T)
template <class Asked, class T, class A>
FERRY_SENDABLE_AS(FERRY_HOLDER(std::deque<T, A>), T)
template <class Asked, class T, class A>
FERRY_SENDABLE_AS(FERRY_HOLDER(std::list<T, A>), T)
template <class Asked, class T, class A>
FERRY_SENDABLE_AS(FERRY_HOLDER(std::forward_list<T, A>), T)
template <class Asked, class K, class C, class A>
FERRY_SENDABLE_AS(FERRY_HOLDER(std::set<K, C, A>), K)
template <class Asked, class K, class C, class A>
FERRY_SENDABLE_AS(FERRY_HOLDER(std::multiset<K, C, A>), K)
template <class Asked, class K, class H, class E, class A>
FERRY_SENDABLE_AS(FERRY_HOLDER(std::unordered_set<K, H, E, A>), K)
template <class Asked, class K, class H, class E, class A>
FERRY_SENDABLE_AS(FERRY_HOLDER(std::unordered_multiset<K, H, E, A>), K)
template <class Asked, class K, class V, class C, class A>
FERRY_SENDABLE_AS(FERRY_HOLDER(std::map<K, V, C, A>), K, V)
template <class Asked, class K, class V, class C, class A>
FERRY_SENDABLE_AS(FERRY_HOLDER(std::multimap<K, V, C, A>), K, V)
template <class Asked, class K, class V, class H, class E, class A>
FERRY_SENDABLE_AS(FERRY_HOLDER(std::unordered_map<K, V, H, E, A>), K, V)
template <class Asked, class K, class V, class H, class E, class A>
FERRY_SENDABLE_AS(FERRY_HOLDER(std::unordered_multimap<K, V, H, E, A>), K, V)
template <class Asked, class T, class C>
FERRY_SENDABLE_AS(FERRY_HOLDER(std::queue<T, C>), T)
template <class Asked, class T, class C>
FERRY_SENDABLE_AS(FERRY_HOLDER(std::stack<T, C>), T)
template <class Asked, class T, class C, class P>
FERRY_SENDABLE_AS(FERRY_HOLDER(std::priority_queue<T, C, P>), T)
template <class Asked, class T>
FERRY_SENDABLE_AS(std::valarray<T>, T)
template <class Asked, class T>
FERRY_SENDABLE_AS(std::optional<T>, T)
template <class Asked, class A, class B>
FERRY_SENDABLE_AS(FERRY_HOLDER(std::pair<A, B>), A, B)
template <class Asked, class... T>
FERRY_SENDABLE_AS(std::tuple<T...>, T...)
template <class Asked, class... T>
FERRY_SENDABLE_AS(std::variant<T...>, T...)
template <class Asked, class T>
FERRY_SENDABLE_AS(std::shared_ptr<T>, T)
template <class Asked, class T>
FERRY_SENDABLE_AS(std::unique_ptr<T>, T)
#undef FERRY_HOLDER
#undef FERRY_SENDABLE_AS
template <class Asked>
struct is_sendable<std::monostate, Asked> : std::true_type {
};

/// Types that cereal does not know: paths, error codes and the calendar.
template <class T, class... Known>
inline constexpr bool is_one_of = (std::is_same_v<T, Known> || ...);
template <class T>
concept file_path = std::is_same_v<T, std::filesystem::path>;
template <class T>
concept any_error_code = is_one_of<T, std::error_code, boost::system::error_code>;
template <class T>
concept calendar_part =
    is_one_of<T, std::chrono::day, std::chrono::month, std::chrono::year, std::chrono::weekday,
              std::chrono::month_day, std::chrono::year_month, std::chrono::year_month_day>;
template <class T, class Asked>
    requires(file_path<T> || any_error_code<T> || calendar_part<T>)
struct is_sendable<T, Asked> : std::true_type {};

template <file_path T>
void CEREAL_SAVE_FUNCTION_NAME(output_archive& ar, const T& path) {
    ar(path.native());
}
template <file_path T>
void CEREAL_LOAD_FUNCTION_NAME(input_archive& ar, T& path) {
    std::filesystem::path::string_type text;
    ar(text);
    path = std::move(text);
}
template <any_error_code T>
void CEREAL_SAVE_FUNCTION_NAME(output_archive& ar, const T& code) {
    put_error_code(ar.sink(), code);
}
template <any_error_code T>
void CEREAL_LOAD_FUNCTION_NAME(input_archive& ar, T& code) {
    get_error_code(ar.source(), code);
}
template <calendar_part T>
void CEREAL_SAVE_FUNCTION_NAME(output_archive& ar, const T& part) {
    ar.saveBinary(&part, sizeof part);
}
template <calendar_part T>
void CEREAL_LOAD_FUNCTION_NAME(input_archive& ar, T& part) {
    ar.loadBinary(&part, sizeof part);
}

/// Aggregates, member after member. One byte goes for an empty one, so that a container never has
/// more elements than bytes.
template <plain_aggregate T>
void CEREAL_SAVE_FUNCTION_NAME(output_archive& ar, const T& value) {
    constexpr std::size_t count = fields_of<T>::count();
    if constexpr (count == 0) {
        ar(std::uint8_t(0));
    } else {
        const nesting level(ar.depth);
        call_with_fields(value, size_constant<count>(),
                         [&ar](const auto&... field) { (static_cast<void>(ar(field)), ...); });
    }
}
template <plain_aggregate T>
void CEREAL_LOAD_FUNCTION_NAME(input_archive& ar, T& value) {
    constexpr std::size_t count = fields_of<T>::count();
    if constexpr (count == 0) {
        std::uint8_t nothing = 0;
        ar(nothing);
    } else {
        const nesting level(ar.depth);
        call_with_fields(value, size_constant<count>(),
                         [&ar](auto&... field) { (static_cast<void>(ar(field)), ...); });
    }
}

// The names say what to do, because compilers print them.
template <class T>
concept not_a_pointer__send_what_it_points_to =
    !std::is_pointer_v<T> && !std::is_member_pointer_v<T> && !std::is_null_pointer_v<T>;
template <class T>
concept not_a_reference__send_a_value = !std::is_reference_v<T>;
template <class T>
inline constexpr bool is_string_view = false;
template <class C, class Traits>
inline constexpr bool is_string_view<std::basic_string_view<C, Traits>> = true;
template <class T>
inline constexpr bool is_span = false;
template <class T, std::size_t N>
inline constexpr bool is_span<std::span<T, N>> = true;
template <class T>
concept text_that_it_owns__say_std_string = !is_string_view<T>;
template <class T>
concept elements_that_it_owns__say_std_vector = !is_span<T>;
template <class T>
concept default_constructible_so_that_it_can_be_rebuilt = std::default_initializable<T>;
template <class T>
concept no_base_bit_field_union_const_or_reference_member__else_give_it_a_serialize_function =
    !silent_aggregate<T> || plain_aggregate<T>;
template <class T>
concept cereal_or_an_aggregate__give_it_a_serialize_function = is_sendable<T>::value;

} // namespace detail

/// Types that can be sent to a worker process as an argument, or back as a result.
///
/// - Arithmetic types and enumerations.
/// - Strings and the standard containers, `optional`, `variant`, `tuple`, `chrono`, smart pointers,
///   `filesystem::path`, error codes.
/// - Aggregates of these, without a macro, with arrays and with members that contain the aggregate
///   itself, up to 126 members and 1,000 levels.
/// - Types with cereal's `serialize`, or `save` and `load`.
///
/// The type must have a default constructor. Pointers, references, views, futures and pools cannot
/// be sent; nor can an aggregate with a base class, a bit-field, a union, or a const or reference
/// member, because such members cannot be found or assigned, unless the aggregate has a `serialize`
/// function.
template <class T>
concept sendable =
    detail::not_a_reference__send_a_value<T> && detail::not_a_pointer__send_what_it_points_to<T> &&
    detail::text_that_it_owns__say_std_string<T> &&
    detail::elements_that_it_owns__say_std_vector<T> &&
    detail::default_constructible_so_that_it_can_be_rebuilt<T> &&
    detail::no_base_bit_field_union_const_or_reference_member__else_give_it_a_serialize_function<
        T> &&
    detail::cereal_or_an_aggregate__give_it_a_serialize_function<T>;

} // namespace ferry

CEREAL_REGISTER_ARCHIVE(ferry::detail::output_archive)
CEREAL_REGISTER_ARCHIVE(ferry::detail::input_archive)
CEREAL_SETUP_ARCHIVE_TRAITS(ferry::detail::input_archive, ferry::detail::output_archive)
