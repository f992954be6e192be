// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <ferry/process/detail/code.hpp>

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace ferry::detail {

/// The program that a pool's workers run: this one, or another that the options name.
class worker_program {
public:
    /// An empty path means this program. A name without a slash is looked for in PATH.
    /// Errors: `std::invalid_argument` if there is no such program.
    worker_program(const std::filesystem::path& executable, std::vector<std::string> arguments);

    /// Whether it is this program, started again.
    bool is_own() const noexcept { return is_own_; }
    /// The absolute path of another program; empty for this one.
    const std::filesystem::path& file() const noexcept { return file_; }
    /// The name and arguments of another program.
    const std::vector<std::string>& arguments() const noexcept { return arguments_; }
    /// What a worker says of its program when it is ready; 0: anything.
    std::uint64_t identity() const noexcept { return identity_; }

    /// Refuses code that the workers cannot have: what lies in this program's own file, where they
    /// run another. Errors: `std::invalid_argument` that names the file.
    void check(const code_ref& code) const;

private:
    std::filesystem::path file_;
    std::vector<std::string> arguments_;
    std::uint64_t identity_ = 0;
    bool is_own_ = true;
};

} // namespace ferry::detail
