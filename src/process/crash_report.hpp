// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <ferry/error.hpp>

#include "crash_record.hpp"

#include <filesystem>
#include <vector>

namespace ferry::detail {

/// The frames that a worker has written down about the signal that ended it, the innermost first;
/// none where it wrote about another signal, or another task. Functions get their names from the
/// files of modules that this process has loaded itself, or from `executable`, if their build-ids
/// are those of the worker's modules: whatever the worker says, no other file is opened.
std::vector<stack_frame> frames_of(const crash_record& record, int signal, std::uint64_t task,
                                   const std::filesystem::path& executable);

} // namespace ferry::detail
