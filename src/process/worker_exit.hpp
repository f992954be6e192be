// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

namespace ferry::detail {

/// Ends the process, after what it has printed was written.
[[noreturn]] void leave(int code);

/// Notes what the standard error is; before any task runs.
void note_standard_error() noexcept;

/// Ends a worker process that cannot go on, with `wire::exit_protocol`, and says why where that can
/// be read.
[[noreturn]] void give_up(const char* why);

} // namespace ferry::detail
