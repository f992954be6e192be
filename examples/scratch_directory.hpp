// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <filesystem>
#include <stdexcept>
#include <string>

#include <stdlib.h>

/// A directory for the files of a lesson, which goes with them at the end. Errors:
/// `std::runtime_error` if it cannot be made.
struct scratch_directory {
    std::filesystem::path path;

    scratch_directory() {
        std::string name = std::filesystem::temp_directory_path() / "ferry.XXXXXX";
        if (::mkdtemp(name.data()) == nullptr)
            throw std::runtime_error("cannot make a temporary directory");
        path = name;
    }
    ~scratch_directory() { std::filesystem::remove_all(path); }
    scratch_directory(const scratch_directory&) = delete;
    scratch_directory& operator=(const scratch_directory&) = delete;
};
