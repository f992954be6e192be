// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <string>
#include <vector>

namespace ferry::detail {

/// How this program is started once more.
struct program_start {
    std::string file;
    std::vector<std::string> arguments; ///< with the name that it is called by
};

/// Errors: `std::runtime_error` that says why it cannot be found.
program_start start_of_this_program();

/// True where the caller's environment is not to be believed: in a set-user-ID program, or one with
/// capabilities of its file.
bool is_privileged() noexcept;

} // namespace ferry::detail
