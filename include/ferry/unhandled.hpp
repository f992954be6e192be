// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <exception>
#include <functional>
#include <string>

namespace ferry {

/// Sets the process-wide hook that gets what callbacks and functions posted to a pool throw, and returns
/// the previous one. Empty: one line on stderr, and `std::terminate` for a posted function. Thread
/// safety: safe.
std::function<void(std::exception_ptr)>
set_unhandled_callback(std::function<void(std::exception_ptr)> hook);

namespace detail {

/// Reports what a callback threw to the hook, or to stderr.
void report_unhandled(std::exception_ptr error) noexcept;

/// In a handler for everything: reports the exception, or lets forced unwinding go on.
void report_or_unwind();

/// The same for what a function that was posted to a pool threw: without a hook it ends the program, as
/// it does with `asio::thread_pool`, because whoever waits for that function would wait for ever.
void report_or_terminate();

/// The name of the exception's type, for printing.
std::string type_name_of(const std::exception_ptr& error);
std::string demangle(const char* name);

} // namespace detail
} // namespace ferry
