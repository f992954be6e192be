// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include "inside/picture.hpp"
#include "support/elf_file.hpp"

#include <cstdint>
#include <map>
#include <stdexcept>
#include <string>
#include <vector>

#include <sys/types.h>

namespace ferry::detail {

/// Why a process cannot be looked into; a sentence for its user.
class cannot_look : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

/// The recording of another process, which need not run nor know of it.
class target {
public:
    /// Throws cannot_look.
    explicit target(pid_t pid);
    ~target();
    target(const target&) = delete;
    target& operator=(const target&) = delete;

    picture look();
    /// Whether the process is still there.
    bool lives() const;

private:
    struct mapping {
        std::uint64_t from, to, offset;
        std::string path;
    };

    void read_mappings();
    std::string name_of_function(std::uint64_t address);

    const pid_t pid_;
    const recording::layout* recording_ = nullptr;
    std::uint64_t started_ = 0; // of the process, to tell it from a later one of its number
    std::vector<mapping> mappings_;
    std::map<std::string, elf_file> files_;
    std::map<std::uint64_t, std::string> functions_;
};

} // namespace ferry::detail
