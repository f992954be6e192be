// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <ferry/config.hpp>

#include <filesystem>

namespace ferry {

/// Writes the flight recorder to a file in Chrome's trace format, which ui.perfetto.dev opens.
///
/// The recorder is always on and keeps the last 16,384 events of every pool: submission, start and
/// end of a task, its cancellation, and the coroutine that goes on with its result. A pool that has
/// time records every task; a busy one records one of 512 that a thread submits. The program
/// `ferry` reads the same from outside, also of a process that hangs.
///
/// @par Blocking
/// While the file is written.
///
/// @par Errors
/// `std::system_error` if the file cannot be written, or if nothing was recorded because there was
/// no memory for it.
///
/// @par Thread safety
/// Safe.
///
/// @par Example
/// @code
/// ferry::dump_trace(directory / "trace.json"); // open it in ui.perfetto.dev
/// @endcode
///
/// @par See also
/// `shutdown_report::trace`.
FERRY_DECL void dump_trace(const std::filesystem::path& path);

} // namespace ferry
