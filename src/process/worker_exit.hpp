// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <chrono>

namespace ferry::detail {

/// Ends the process, after what it has printed was written.
[[noreturn]] void leave(int code);

/// Notes what the standard error is; before any task runs.
void note_standard_error() noexcept;

/// For how long a worker is short of something before it gives up, since its tasks may have used it
/// up: another worker has it again. It counts its waits instead of the time, which also passes while
/// the process is stopped.
inline constexpr std::chrono::seconds shortage_patience(10);

/// Ends a worker process that cannot go on, with `wire::exit_protocol`, and says why where that can
/// be read.
[[noreturn]] void give_up(const char* why);

} // namespace ferry::detail
