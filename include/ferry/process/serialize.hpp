// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <ferry/process/bytes.hpp>

#include <boost/pfr/core.hpp>
#include <boost/pfr/tuple_size.hpp>

#include <cereal/cereal.hpp>
#include <cereal/types/array.hpp>
#include <cereal/types/bitset.hpp>
#include <cereal/types/chrono.hpp>
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

#include <concepts>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

namespace ferry {

/// Archives that know nothing of Ferry, to ask what cereal can do by itself. They have a namespace
/// of their own, so that looking a function up for them does not find Ferry's.
namespace serialize_probe {
struct output : cereal::OutputArchive<output> {
    output() : OutputArchive(this) {}
};
struct input : cereal::InputArchive<input> {
    input() : InputArchive(this) {}
};
} // namespace serialize_probe

namespace detail {

/// A cereal archive that writes the memory of arithmetic types as it is: both ends are the same
/// program on the same machine.
class output_archive : public cereal::OutputArchive<output_archive> {
public:
    explicit output_archive(byte_sink& out) : OutputArchive(this), out_(out) {}
    void saveBinary(const void* data, std::size_t size) { out_.write(data, size); }

private:
    byte_sink& out_;
};

/// Its counterpart. A container's size is checked against what is left before room is made for it.
class input_archive : public cereal::InputArchive<input_archive> {
public:
    explicit input_archive(byte_source& in) : InputArchive(this), in_(in) {}
    void loadBinary(void* data, std::size_t size) { in_.read(data, size); }
    const char* take(std::size_t size) { return in_.take(size); }
    void check_count(std::uint64_t count) const {
        if (count > in_.remaining())
            in_.fail_short(static_cast<std::size_t>(count));
    }

private:
    byte_source& in_;
};

template <class T>
    requires std::is_arithmetic_v<T>
void CEREAL_SAVE_FUNCTION_NAME(output_archive& ar, const T& value) {
    ar.saveBinary(std::addressof(value), sizeof value);
}
template <class T>
    requires std::is_arithmetic_v<T>
void CEREAL_LOAD_FUNCTION_NAME(input_archive& ar, T& value) {
    ar.loadBinary(std::addressof(value), sizeof value);
}
template <class T>
void CEREAL_SERIALIZE_FUNCTION_NAME(output_archive& ar, cereal::NameValuePair<T>& pair) {
    ar(pair.value);
}
template <class T>
void CEREAL_SERIALIZE_FUNCTION_NAME(input_archive& ar, cereal::NameValuePair<T>& pair) {
    ar(pair.value);
}
template <class T>
void CEREAL_SERIALIZE_FUNCTION_NAME(output_archive& ar, cereal::SizeTag<T>& tag) {
    ar(tag.size);
}
template <class T>
void CEREAL_SERIALIZE_FUNCTION_NAME(input_archive& ar, cereal::SizeTag<T>& tag) {
    ar(tag.size);
    ar.check_count(static_cast<std::uint64_t>(tag.size));
}
template <class T>
void CEREAL_SAVE_FUNCTION_NAME(output_archive& ar, const cereal::BinaryData<T>& data) {
    ar.saveBinary(data.data, static_cast<std::size_t>(data.size));
}
template <class T>
void CEREAL_LOAD_FUNCTION_NAME(input_archive& ar, cereal::BinaryData<T>& data) {
    ar.loadBinary(data.data, static_cast<std::size_t>(data.size));
}

/// Strings are made from the bytes as they lie there: cereal's way fills them with zeros first,
/// which a large one takes as long for as for the copy.
template <class Traits, class A>
void CEREAL_LOAD_FUNCTION_NAME(input_archive& ar, std::basic_string<char, Traits, A>& text) {
    cereal::size_type size = 0;
    ar(cereal::make_size_tag(size));
    text.assign(ar.take(static_cast<std::size_t>(size)), static_cast<std::size_t>(size));
}

/// A class that says itself, through cereal, how it is serialised.
template <class T>
concept says_how = cereal::traits::is_output_serializable<T, serialize_probe::output>::value &&
    cereal::traits::is_input_serializable<T, serialize_probe::input>::value;

template <class T>
concept plain_aggregate = std::is_class_v<T> && std::is_aggregate_v<T> && !says_how<T>;

template <class T>
struct is_sendable;
template <class... T>
inline constexpr bool all_sendable = (is_sendable<std::remove_cv_t<T>>::value && ...);

template <class T>
struct is_sendable_class : std::bool_constant<says_how<T>> {};
template <plain_aggregate T>
struct is_sendable_class<T> {
    template <std::size_t... I>
    static constexpr bool fields(std::index_sequence<I...>) {
        return all_sendable<boost::pfr::tuple_element_t<I, T>...>;
    }
    static constexpr bool value = fields(std::make_index_sequence<boost::pfr::tuple_size_v<T>>());
};

template <class T>
struct is_sendable
    : std::bool_constant<std::is_arithmetic_v<T> || std::is_enum_v<T> ||
                         std::conjunction_v<std::is_class<T>, is_sendable_class<T>>> {};
template <class T, std::size_t N>
struct is_sendable<T[N]> : is_sendable<std::remove_cv_t<T>> {};
template <class T, std::size_t N>
struct is_sendable<std::array<T, N>> : is_sendable<T> {};
template <class C, class Traits, class A>
struct is_sendable<std::basic_string<C, Traits, A>> : std::true_type {};

// What holds other types can be sent when they can.
#define FERRY_SENDABLE_AS(holder, ...)                                                             \
    struct is_sendable<holder> : std::bool_constant<all_sendable<__VA_ARGS__>> {};
#define FERRY_HOLDER(...) __VA_ARGS__
template <class T, class A>
FERRY_SENDABLE_AS(FERRY_HOLDER(std::vector<T, A>), T)
template <class T, class A>
FERRY_SENDABLE_AS(FERRY_HOLDER(std::deque<T, A>), T)
template <class T, class A>
FERRY_SENDABLE_AS(FERRY_HOLDER(std::list<T, A>), T)
template <class T, class A>
FERRY_SENDABLE_AS(FERRY_HOLDER(std::forward_list<T, A>), T)
template <class K, class C, class A>
FERRY_SENDABLE_AS(FERRY_HOLDER(std::set<K, C, A>), K)
template <class K, class C, class A>
FERRY_SENDABLE_AS(FERRY_HOLDER(std::multiset<K, C, A>), K)
template <class K, class H, class E, class A>
FERRY_SENDABLE_AS(FERRY_HOLDER(std::unordered_set<K, H, E, A>), K)
template <class K, class H, class E, class A>
FERRY_SENDABLE_AS(FERRY_HOLDER(std::unordered_multiset<K, H, E, A>), K)
template <class K, class V, class C, class A>
FERRY_SENDABLE_AS(FERRY_HOLDER(std::map<K, V, C, A>), K, V)
template <class K, class V, class C, class A>
FERRY_SENDABLE_AS(FERRY_HOLDER(std::multimap<K, V, C, A>), K, V)
template <class K, class V, class H, class E, class A>
FERRY_SENDABLE_AS(FERRY_HOLDER(std::unordered_map<K, V, H, E, A>), K, V)
template <class K, class V, class H, class E, class A>
FERRY_SENDABLE_AS(FERRY_HOLDER(std::unordered_multimap<K, V, H, E, A>), K, V)
template <class T, class C>
FERRY_SENDABLE_AS(FERRY_HOLDER(std::queue<T, C>), T)
template <class T, class C>
FERRY_SENDABLE_AS(FERRY_HOLDER(std::stack<T, C>), T)
template <class T, class C, class P>
FERRY_SENDABLE_AS(FERRY_HOLDER(std::priority_queue<T, C, P>), T)
template <class T>
FERRY_SENDABLE_AS(std::valarray<T>, T)
template <class T>
FERRY_SENDABLE_AS(std::optional<T>, T)
template <class A, class B>
FERRY_SENDABLE_AS(FERRY_HOLDER(std::pair<A, B>), A, B)
template <class... T>
FERRY_SENDABLE_AS(std::tuple<T...>, T...)
template <class... T>
FERRY_SENDABLE_AS(std::variant<T...>, T...)
template <class T>
FERRY_SENDABLE_AS(std::shared_ptr<T>, T)
template <class T>
FERRY_SENDABLE_AS(std::unique_ptr<T>, T)
#undef FERRY_HOLDER
#undef FERRY_SENDABLE_AS
template <>
struct is_sendable<std::monostate> : std::true_type {
};

/// Aggregates, member after member. One byte goes for an empty one, so that a container never has
/// more elements than bytes.
template <plain_aggregate T>
void CEREAL_SAVE_FUNCTION_NAME(output_archive& ar, const T& value) {
    if constexpr (boost::pfr::tuple_size_v<T> == 0)
        ar(std::uint8_t(0));
    else
        boost::pfr::for_each_field(value, [&ar](const auto& field) { ar(field); });
}
template <plain_aggregate T>
void CEREAL_LOAD_FUNCTION_NAME(input_archive& ar, T& value) {
    if constexpr (boost::pfr::tuple_size_v<T> == 0) {
        std::uint8_t nothing = 0;
        ar(nothing);
    } else {
        boost::pfr::for_each_field(value, [&ar](auto& field) { ar(field); });
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
concept cereal_or_an_aggregate__give_it_a_serialize_function = is_sendable<T>::value;

} // namespace detail

/// What can go to another process and back, as an argument or as a result: arithmetic types and
/// enumerations; strings and the standard containers, `optional`, `variant`, `tuple`, `chrono`,
/// smart pointers; aggregates of these, without a macro; and types with cereal's `serialize`, or
/// `save` and `load`. Needs a default constructor. Pointers, references, views, futures and pools
/// cannot.
template <class T>
concept sendable =
    detail::not_a_reference__send_a_value<T> && detail::not_a_pointer__send_what_it_points_to<T> &&
    detail::text_that_it_owns__say_std_string<T> &&
    detail::elements_that_it_owns__say_std_vector<T> &&
    detail::default_constructible_so_that_it_can_be_rebuilt<T> &&
    detail::cereal_or_an_aggregate__give_it_a_serialize_function<T>;

} // namespace ferry

CEREAL_REGISTER_ARCHIVE(ferry::detail::output_archive)
CEREAL_REGISTER_ARCHIVE(ferry::detail::input_archive)
CEREAL_SETUP_ARCHIVE_TRAITS(ferry::detail::input_archive, ferry::detail::output_archive)
