// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <string>
#include <string_view>

namespace ferry::detail {

/// Writes a trace into the directory that FERRY_TRACE_DIR names. Returns the path; empty if the
/// variable is not set or the file cannot be written.
std::string trace_of_stuck_tasks(std::string_view pool) noexcept;

} // namespace ferry::detail
