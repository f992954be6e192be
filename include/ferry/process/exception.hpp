// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <ferry/error.hpp>
#include <ferry/process/bytes.hpp>

#include <exception>
#include <system_error>
#include <typeinfo>

namespace ferry {
namespace detail {

/// What is known of an exception that was thrown in another process.
struct remote_exception {
    std::string what;    ///< its text
    std::string message; ///< without what a system error adds for its code
    std::error_code standard_code;
    boost::system::error_code boost_code;
};

using exception_builder = std::exception_ptr (*)(const remote_exception&);
/// What is thrown as this type elsewhere is rebuilt by `build`. Thread safety: safe.
void add_exception(const std::type_info& type, exception_builder build);

template <class E>
std::exception_ptr build_exception(const remote_exception& r) {
    using std_error = std::error_code;
    using boost_error = boost::system::error_code;
    if constexpr (std::is_base_of_v<boost::system::system_error, E> &&
                  std::is_constructible_v<E, boost_error, std::string>)
        return make_error<E>(r.boost_code, r.message);
    else if constexpr (std::is_base_of_v<std::system_error, E> &&
                       std::is_constructible_v<E, std_error, std::string>)
        return make_error<E>(r.standard_code, r.message);
    else if constexpr (std::is_base_of_v<boost::system::system_error, E> &&
                       std::is_constructible_v<E, boost_error>)
        return make_error<E>(r.boost_code);
    else if constexpr (std::is_base_of_v<std::system_error, E> &&
                       std::is_constructible_v<E, std_error>)
        return make_error<E>(r.standard_code);
    else if constexpr (std::is_constructible_v<E, const std::string&>)
        return make_error<E>(r.message);
    else if constexpr (std::is_constructible_v<E, const char*>)
        return make_error<E>(r.message.c_str());
    else
        return make_error<E>();
}

/// Writes what is known of `error`. Never throws for what the exception is.
void put_exception(byte_sink& out, const std::exception_ptr& error);
/// The exception rebuilt, or a remote_error.
std::exception_ptr get_exception(byte_source& in);

} // namespace detail

/// Makes exceptions of type `E` that a task throws in a worker process come back as an `E`, with
/// the same code where it derives from a system error, and the same message where it can be
/// constructed from one. Needed in the pool's process only; the exceptions of the standard library,
/// of Boost.System and of Ferry need no registration. Thread safety: safe. Blocking: never.
template <class E>
    requires std::is_class_v<E> && std::copy_constructible<E> &&
        (std::is_constructible_v<E, boost::system::error_code, std::string> ||
         std::is_constructible_v<E, std::error_code, std::string> ||
         std::is_constructible_v<E, const std::string&> ||
         std::is_constructible_v<E, const char*> ||
         std::is_constructible_v<E, boost::system::error_code> ||
         std::is_constructible_v<E, std::error_code> ||
         std::default_initializable<E>)void register_exception() {
        detail::add_exception(typeid(E), &detail::build_exception<E>);
    }

} // namespace ferry
