// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <ferry/config.hpp>
#include <ferry/error.hpp>
#include <ferry/process/detail/bytes.hpp>

#include <boost/throw_exception.hpp>

#include <array>
#include <cstdint>
#include <exception>
#include <system_error>
#include <typeinfo>
#include <utility>
#include <vector>

namespace ferry {
namespace detail {

/// The data of an exception that was thrown in another process.
struct remote_exception {
    std::string what;    ///< its text
    std::string message; ///< without what a system error adds for its code
    std::error_code standard_code = {};
    boost::system::error_code boost_code = {};
    bool wrapped = false;                     ///< by Boost, which makes it a boost::exception too
    std::exception_ptr nested = {};           ///< the one that was being handled when it was thrown
    std::array<std::int64_t, 8> numbers = {}; ///< what else some types hold
    std::array<std::string, 2> texts = {};    ///< likewise
    std::vector<std::exception_ptr> inner = {}; ///< those that it stands for
};

using exception_builder = std::exception_ptr (*)(const remote_exception&);
/// Lets `build` rebuild exceptions of this type that were thrown elsewhere. Thread-safe.
FERRY_DECL void add_exception(const std::type_info& type, exception_builder build);

/// Boost's wrapper is a class derived from `E`, with functions of these names.
template <class E>
concept boost_can_wrap =
    std::is_convertible_v<E*, std::exception*> && !std::is_final_v<E> &&
    !requires(const E& e) { e.clone(); } && !requires(const E& e) { e.rethrow(); };

/// Throws the exception that `make` returns as it was thrown elsewhere, and catches it.
template <class E, class Make>
std::exception_ptr throw_like(const remote_exception& r, Make make) {
    try {
        if (r.nested != nullptr) {
            try {
                std::rethrow_exception(r.nested);
            } catch (...) { // which the new one finds and keeps
                std::throw_with_nested(make());
            }
        }
        if constexpr (boost_can_wrap<E>) {
            if (r.wrapped)
                boost::throw_exception(make());
        }
        throw make();
    } catch (...) {
        return std::current_exception();
    }
}

/// The text to make an exception from that then says `wanted`; `make` may put its own around it.
template <class Make>
std::string text_to_make_from(const std::string& message, const std::string& wanted, Make make) {
    const auto says = [&make](const std::string& text) -> std::string { return make(text).what(); };
    const std::string first = says(message);
    if (first == wanted)
        return message;
    if (const auto at = first.find(message); at != std::string::npos) {
        const auto before = std::string_view(first).substr(0, at);
        const auto behind = std::string_view(first).substr(at + message.size());
        if (wanted.size() >= before.size() + behind.size() && wanted.starts_with(before) &&
            wanted.ends_with(behind)) {
            const std::string inside =
                wanted.substr(before.size(), wanted.size() - before.size() - behind.size());
            if (says(inside) == wanted)
                return inside;
        }
    }
    return says(wanted) == wanted ? wanted : message;
}

template <class E, class Make>
std::exception_ptr build_with_text(const remote_exception& r, Make make) {
    std::string text = r.message;
    if constexpr (std::is_convertible_v<E*, std::exception*>)
        text = text_to_make_from(r.message, r.what, make);
    return throw_like<E>(r, [&]() -> E { return make(text); });
}

/// Builds an exception with a code, before or behind the text; without a text if it had none.
template <class E, class Code>
std::exception_ptr build_with_code(const remote_exception& r, const Code& code) {
    using text = const std::string&;
    if constexpr (std::is_constructible_v<E, const Code&>) {
        if (r.message.empty() && E(code).what() == r.what)
            return throw_like<E>(r, [&code]() -> E { return E(code); });
    }
    if constexpr (std::is_constructible_v<E, const Code&, std::string>)
        return build_with_text<E>(r, [&code](text t) -> E { return E(code, t); });
    else if constexpr (std::is_constructible_v<E, std::string, const Code&>)
        return build_with_text<E>(r, [&code](text t) -> E { return E(t, code); });
    else
        return throw_like<E>(r, [&code]() -> E { return E(code); });
}
template <class E, class Code>
inline constexpr bool takes_code = std::is_constructible_v<E, const Code&> ||
                                   std::is_constructible_v<E, const Code&, std::string> ||
                                   std::is_constructible_v<E, std::string, const Code&>;

template <class E>
std::exception_ptr build_exception(const remote_exception& r) {
    using text = const std::string&;
    if constexpr (std::is_base_of_v<boost::system::system_error, E> &&
                  takes_code<E, boost::system::error_code>)
        return build_with_code<E>(r, r.boost_code);
    else if constexpr (std::is_base_of_v<std::system_error, E> && takes_code<E, std::error_code>)
        return build_with_code<E>(r, r.standard_code);
    else if constexpr (std::is_constructible_v<E, const std::string&>)
        return build_with_text<E>(r, [](text t) -> E { return E(t); });
    else if constexpr (std::is_constructible_v<E, const char*>)
        return build_with_text<E>(r, [](text t) -> E { return E(t.c_str()); });
    else
        return throw_like<E>(r, []() -> E { return E(); });
}

/// Writes the data of `error`, whatever type it has.
FERRY_DECL void put_exception(byte_sink& out, const std::exception_ptr& error);
/// Returns the exception rebuilt, or a remote_error.
FERRY_DECL std::exception_ptr get_exception(byte_source& in);

} // namespace detail

/// Registers `E` so that an exception of that type thrown in a worker process is rethrown as an
/// `E`: with the same error code if `E` derives from `system_error`, and the same message if `E`
/// can be constructed from one.
///
/// This also holds if Boost or the standard library wraps the exception (`boost::wrapexcept<E>`,
/// `std::throw_with_nested`, whose chain is kept). It is needed only in the process that owns the
/// pool. The exceptions of the standard library, of Boost.System, Asio and Ferry need no
/// registration; an unregistered type arrives as a `remote_error`.
///
/// @par Blocking
/// Never.
///
/// @par Thread safety
/// Safe.
template <class E>
    requires std::is_class_v<E> && std::copy_constructible<E> &&
             (detail::takes_code<E, boost::system::error_code> ||
              detail::takes_code<E, std::error_code> ||
              std::is_constructible_v<E, const std::string&> ||
              std::is_constructible_v<E, const char*> || std::default_initializable<E>)
void register_exception() {
    detail::add_exception(typeid(E), &detail::build_exception<E>);
}

} // namespace ferry
