// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include "unique_fd.hpp"

#include <stop_token>
#include <string>
#include <vector>

namespace fetcher {

/// Reads the lines of a file or pipe, as many at a time as are there.
class line_reader {
public:
    /// Throws `std::system_error`.
    explicit line_reader(unique_fd file);

    /// At least one line, unless the end was reached or `stop` was requested, and `most` at most;
    /// without their ends. Blocks. Throws `std::system_error` when reading fails, and
    /// `std::length_error` for a line beyond 16 MiB.
    std::vector<std::string> read(std::size_t most, const std::stop_token& stop);

private:
    bool fill(const std::stop_token& stop);

    unique_fd file_;
    unique_fd wake_; // readable after a stop
    std::string buffer_;
    std::size_t begin_ = 0; // of what was not given yet
    bool ended_ = false;
};

} // namespace fetcher
