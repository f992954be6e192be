// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <ferry/config.hpp>
#include <ferry/detail/caught_or_unwind.hpp>
#include <ferry/detail/task.hpp>
#include <ferry/offloadable.hpp>
#include <ferry/process/detail/code.hpp>
#include <ferry/process/exception.hpp>
#include <ferry/process/serialize.hpp>

#include <exception>
#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <tuple>
#include <utility>
#include <variant>
#include <vector>

namespace ferry::detail {

/// The type that an argument has on the other side: decayed, and a string for a string literal.
template <class A>
using sent_t = std::conditional_t<
    std::is_array_v<std::remove_reference_t<A>> &&
        std::is_same_v<std::remove_cv_t<std::remove_all_extents_t<std::remove_reference_t<A>>>,
                       char>,
    std::string, std::decay_t<A>>;

/// What such an argument is for the question whether it can be copied.
template <class A>
using passed_t = std::conditional_t<std::is_same_v<sent_t<A>, std::decay_t<A>>, A, sent_t<A>>;

template <class F>
inline constexpr bool is_function_pointer =
    std::conjunction_v<std::is_pointer<F>, std::is_function<std::remove_pointer_t<F>>>;
template <class F>
inline constexpr bool is_stateless = std::default_initializable<F> && std::is_empty_v<F>;

template <class F>
inline constexpr bool is_sendable_object = sendable<F>; // compilers do not say why it is not

template <class F>
concept captures_nothing__pass_what_it_needs_as_arguments =
    is_function_pointer<F> || is_stateless<F> || is_sendable_object<F>;

/// The first of the types that cannot be sent, or int: as the argument of a concept it makes
/// compilers say why, which they do not for each of a pack.
template <class... T>
struct first_unsendable {
    using type = int;
};
template <class T, class... More>
struct first_unsendable<T, More...>
    : std::conditional_t<std::is_void_v<T> || sendable<T>, first_unsendable<More...>,
                         std::type_identity<T>> {};
template <class... T>
using first_unsendable_t = typename first_unsendable<T...>::type;

/// A call in this process has thrown that. Ends the process if memory is limited and it is a lack
/// of that.
FERRY_DECL void call_failed(const std::exception_ptr& error) noexcept;

/// What a worker calls: reads function and arguments, writes the result.
using entry_point = void (*)(byte_source& in, byte_sink& out, const std::stop_token& stop);

template <class F>
void put_function(byte_sink& out, output_archive& ar, const F& fn) {
    if constexpr (is_function_pointer<F>) {
        if (fn == nullptr)
            throw std::invalid_argument("submit: the function pointer is null");
        put_code(out, locate(reinterpret_cast<const void*>(fn)));
    } else if constexpr (!is_stateless<F>) {
        ar(fn);
    }
}
template <class F>
F get_function(byte_source& in, input_archive& ar) {
    if constexpr (is_function_pointer<F>) {
        return reinterpret_cast<F>(const_cast<void*>(get_code(in)));
    } else {
        F fn{};
        if constexpr (!is_stateless<F>)
            ar(fn);
        return fn;
    }
}

template <class F, bool Stop, class... A>
decltype(auto) call_remotely(F& fn, const std::stop_token& stop, std::tuple<A...>& args) {
    return std::apply(
        [&](A&... a) -> decltype(auto) {
            if constexpr (Stop)
                return std::invoke(std::move(fn), stop, std::move(a)...);
            else
                return std::invoke(std::move(fn), std::move(a)...);
        },
        args);
}

/// Everything of the task but its encoded result is destroyed when it returns.
template <class F, bool Stop, class... A>
void run_remotely(byte_source& in, byte_sink& out, const std::stop_token& stop) {
    input_archive from(in);
    F fn = get_function<F>(in, from);
    std::tuple<A...> args;
    std::apply([&](A&... a) { (static_cast<void>(from(a)), ...); }, args);
    if constexpr (std::is_void_v<call_result_t<F, A...>>) {
        call_remotely<F, Stop>(fn, stop, args);
    } else {
        const auto result = call_remotely<F, Stop>(fn, stop, args);
        output_archive to(out);
        to(result);
    }
}

/// The same for many calls of one function. Precedes each result with whether it is one; what one
/// call throws is written in the place of its result.
template <class F, bool Stop, class... A>
void run_chunk_remotely(byte_source& in, byte_sink& out, const std::stop_token& stop) {
    input_archive from(in);
    F fn = get_function<F>(in, from);
    const auto count = in.get<std::uint64_t>();
    out.put(count);
    output_archive to(out);
    for (std::uint64_t i = 0; i != count; ++i) {
        std::tuple<A...> args;
        std::apply([&](A&... a) { (static_cast<void>(from(a)), ...); }, args);
        const std::size_t start = out.size();
        try {
            out.put(true);
            F f = fn;
            if constexpr (std::is_void_v<call_result_t<F, A...>>) {
                call_remotely<F, Stop>(f, stop, args);
            } else {
                const auto result = call_remotely<F, Stop>(f, stop, args);
                to(result);
            }
        } catch (...) {
            const auto error = caught_or_unwind();
            call_failed(error);
            out.truncate(start);
            out.put(false);
            put_exception(out, error);
        }
    }
}

/// What many calls gave.
template <class R>
struct chunk_result {
    using value_type = std::conditional_t<std::is_void_v<R>, std::monostate, R>;
    std::vector<std::optional<value_type>> values;
    std::vector<std::pair<std::size_t, std::exception_ptr>> errors; ///< in order of their places
};

template <class R>
inline constexpr bool is_chunk = false;
template <class R>
inline constexpr bool is_chunk<chunk_result<R>> = true;

template <class R>
struct result_decoder {
    static R decode(byte_source& in) {
        if constexpr (!std::is_void_v<R>) {
            R value{};
            input_archive ar(in);
            ar(value);
            return value;
        }
    }
};
template <class R>
struct result_decoder<chunk_result<R>> {
    using result = chunk_result<R>;
    static result decode(byte_source& in) {
        result r;
        const auto count = in.get<std::uint64_t>();
        if (count > in.remaining())
            in.fail_short(count);
        r.values.reserve(count);
        input_archive ar(in);
        for (std::uint64_t i = 0; i != count; ++i) {
            if (in.get<bool>()) {
                auto& value = r.values.emplace_back(std::in_place);
                if constexpr (!std::is_void_v<R>)
                    ar(*value);
            } else {
                r.values.emplace_back();
                r.errors.emplace_back(i, get_exception(in));
            }
        }
        return r;
    }
};

/// Whether decoding and destroying an R runs no code of a user: nothing that takes long, whatever
/// the bytes are.
template <class R>
struct is_plain : std::bool_constant<std::is_void_v<R> || std::is_arithmetic_v<R>> {};
template <class C, class T, class A>
struct is_plain<std::basic_string<C, T, A>>
    : std::bool_constant<std::is_arithmetic_v<C> && std::is_same_v<A, std::allocator<C>>> {};
template <class T, class A>
struct is_plain<std::vector<T, A>>
    : std::bool_constant<is_plain<T>::value && std::is_same_v<A, std::allocator<T>>> {};
template <class T>
struct is_plain<std::optional<T>> : is_plain<T> {};
template <class... T>
struct is_plain<std::tuple<T...>> : std::conjunction<is_plain<T>...> {};
template <class T, class U>
struct is_plain<std::pair<T, U>> : std::conjunction<is_plain<T>, is_plain<U>> {};

} // namespace ferry::detail
