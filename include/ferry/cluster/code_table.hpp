// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <ferry/config.hpp>
#include <ferry/process/detail/task.hpp>

#include <atomic>
#include <compare>
#include <cstdint>
#include <type_traits>
#include <typeinfo>

namespace ferry {

/// Which worker hosts may run the tasks of a pool.
enum class cluster_match {
    same_build,    ///< hosts that run the same binary, by its build-id
    same_signature ///< hosts whose program passes the same types to its pools, whatever its build
};

namespace detail {

/// How code is named between machines. It is looked up in a table and never turned into an address.
struct code_key {
    std::uint64_t name = 0;   ///< hash of the name of a type; 0 for no code
    std::uint64_t module = 0; ///< identity of the module; 0 for any
    std::uint64_t offset = 0; ///< in the module; 0 for any

    friend auto operator<=>(const code_key&, const code_key&) = default;
    explicit operator bool() const noexcept { return name != 0; }
};

/// Something that a host may be asked to run: the entry point of a type of calls, or a function. It
/// lists itself, often before `main`, and stays for as long as the module that it lies in.
struct FERRY_DECL code_record {
    enum class kind { call, function };

    code_record(kind what, const std::type_info& tag, const void* code,
                bool calls_pointer = false) noexcept;
    ~code_record();
    code_record(const code_record&) = delete;
    code_record& operator=(const code_record&) = delete;

    const kind what;
    const std::type_info& type;
    const void* const address;
    const bool calls_pointer; ///< the arguments begin with the function that is called
    code_record* next = nullptr;
};

/// The key of a record. Errors: `std::invalid_argument` that names the type, if another record has
/// the same key or, for `same_signature`, if the type has internal linkage.
FERRY_DECL code_key key_of(const code_record& record, cluster_match match);
/// The key of a function. Errors: those of `key_of`, and `std::invalid_argument` if it
/// has not been entered by `allow_remote`.
FERRY_DECL code_key key_of_function(const void* function, cluster_match match);
/// The record of an entry point. Errors: `std::invalid_argument` if there is none.
FERRY_DECL const code_record& record_of_call(const code_ref& entry);
/// The record with a key, or null.
FERRY_DECL const code_record* find_code(const code_key& key, cluster_match match);
/// Whether the name of a type says that it means another type in each source file.
FERRY_DECL bool has_internal_linkage(const std::type_info& type) noexcept;

template <class F, bool Stop, bool Chunk, class... A>
struct entry_tag {};
template <auto F>
struct function_tag {};

/// Entered before `main` starts, because it is referred to.
template <class F, bool Stop, class... A>
inline code_record call_record{code_record::kind::call, typeid(entry_tag<F, Stop, false, A...>),
                               reinterpret_cast<const void*>(&run_remotely<F, Stop, A...>),
                               is_function_pointer<F>};
template <class F, bool Stop, class... A>
inline code_record chunk_record{code_record::kind::call, typeid(entry_tag<F, Stop, true, A...>),
                                reinterpret_cast<const void*>(&run_chunk_remotely<F, Stop, A...>),
                                is_function_pointer<F>};

/// Enters the entry points for calls of a function with arguments of its own parameters' types.
template <class F, class... A>
void enter_calls_with() {
    if constexpr (process_offloadable<F, A...>) {
        static_cast<void>(&call_record<F, takes_stop_token<F, A...>, A...>);
        static_cast<void>(&chunk_record<F, takes_stop_token<F, A...>, A...>);
    }
}
template <class R, class... A>
void enter_calls(R (*)(A...)) {
    enter_calls_with<R (*)(A...), std::decay_t<A>...>();
}
template <class R, class... A>
void enter_calls(R (*)(std::stop_token, A...)) {
    enter_calls_with<R (*)(std::stop_token, A...), std::decay_t<A>...>();
}
template <class R, class... A>
void enter_calls(R (*)(const std::stop_token&, A...)) {
    enter_calls_with<R (*)(const std::stop_token&, A...), std::decay_t<A>...>();
}
template <class R, class... A>
void enter_calls(R (*f)(A...) noexcept) {
    enter_calls(static_cast<R (*)(A...)>(f));
    enter_calls_with<R (*)(A...) noexcept, std::decay_t<A>...>();
}

} // namespace detail

/// Lets the hosts of a cluster run the function `Function`, and lets this program send it there.
/// Callables without captures need nothing of the kind: the template that passes one to a pool
/// enters it into the table by itself.
///
/// @par Preconditions
/// Called in every program that takes part, usually at the beginning of `main`.
///
/// @par Thread safety
/// Safe. Calling it again has no effect.
///
/// @par Example
/// @code
/// ferry::allow_remote<count_primes>();
/// @endcode
template <auto Function>
    requires std::is_function_v<std::remove_pointer_t<decltype(Function)>>
void allow_remote() {
    static detail::code_record record(detail::code_record::kind::function,
                                      typeid(detail::function_tag<Function>),
                                      reinterpret_cast<const void*>(Function));
    detail::enter_calls(Function);
}

} // namespace ferry
