// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <ferry/config.hpp>

#include <exception>
#include <functional>
#include <string>

namespace ferry {

/// Installs the process-wide handler for exceptions that escape callbacks and posted functions, and
/// returns the previous handler.
///
/// An empty function restores the default, which writes one line to `stderr`, and then calls
/// `std::terminate` for a function that was posted to a pool.
///
/// @par Executor
/// The handler runs in the thread in which the exception was caught.
///
/// @par Errors
/// An exception that escapes the handler is reported on `stderr` and discarded.
///
/// @par Thread safety
/// Safe. The handler may be called by several threads at once, and once more after it was replaced.
FERRY_DECL std::function<void(std::exception_ptr)>
set_unhandled_callback(std::function<void(std::exception_ptr)> hook);

namespace detail {

/// Reports an exception that escaped a callback to the handler, or on stderr.
FERRY_DECL void report_unhandled(const std::exception_ptr& error) noexcept;

/// In a handler for everything: reports the exception, or lets forced unwinding go on.
FERRY_DECL void report_or_unwind();

/// As report_or_unwind, for a function that was posted to a pool: without a handler it ends the
/// program, as `asio::thread_pool` does, because a thread that waits for that function would wait
/// forever.
FERRY_DECL void report_or_terminate();

/// The name of the exception's type, for printing.
FERRY_DECL std::string type_name_of(const std::exception_ptr& error);
FERRY_DECL std::string demangle(const char* name);

} // namespace detail
} // namespace ferry
