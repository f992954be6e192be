// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

/// The version of the library.
#define FERRY_VERSION_MAJOR 0
#define FERRY_VERSION_MINOR 1
#define FERRY_VERSION_PATCH 0
#define FERRY_VERSION_STRING "0.1.0"

/// The version of the library: major * 10000 + minor * 100 + patch.
#define FERRY_VERSION                                                                              \
    (FERRY_VERSION_MAJOR * 10000 + FERRY_VERSION_MINOR * 100 + FERRY_VERSION_PATCH)

// Marks what a shared library exports, also if everything else is hidden: what a program uses by
// name, what the templates in headers call, and what may be thrown across its boundary.
#if defined(__GNUC__)
#define FERRY_DECL __attribute__((visibility("default")))
#else
#define FERRY_DECL
#endif

// Whether AddressSanitizer or ThreadSanitizer looks on, as g++ and clang++ say it: 0 or 1.
#if defined(__SANITIZE_ADDRESS__)
#define FERRY_ASAN 1
#elif defined(__has_feature)
#define FERRY_ASAN __has_feature(address_sanitizer)
#else
#define FERRY_ASAN 0
#endif
#if defined(__SANITIZE_THREAD__)
#define FERRY_TSAN 1
#elif defined(__has_feature)
#define FERRY_TSAN __has_feature(thread_sanitizer)
#else
#define FERRY_TSAN 0
#endif

// Requirements. The umbrella headers include nothing else if FERRY_CANNOT_BE_COMPILED is defined,
// so that no other error hides this one.
#if !defined(__cplusplus) || __cplusplus < 202002L
#error "Ferry needs C++20: compile with -std=c++20"
#define FERRY_CANNOT_BE_COMPILED
#else
#include <version>
#if !defined(__cpp_exceptions)
#error "Ferry needs exceptions: compile without -fno-exceptions"
#define FERRY_CANNOT_BE_COMPILED
#elif !defined(__cpp_rtti)
#error "Ferry needs run-time type information: compile without -fno-rtti"
#define FERRY_CANNOT_BE_COMPILED
#elif !defined(__cpp_impl_coroutine)
#error "Ferry needs coroutines: compile with g++ 12, clang++ 16, or a newer one"
#define FERRY_CANNOT_BE_COMPILED
#elif !defined(__cpp_lib_jthread)
#error "Ferry needs std::stop_token: with libc++ 16 to 19 compile with -fexperimental-library"
#define FERRY_CANNOT_BE_COMPILED
#endif
#endif
