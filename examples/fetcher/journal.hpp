// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include "target.hpp"
#include "unique_fd.hpp"

#include <cstdint>
#include <string>
#include <unordered_set>

namespace fetcher {

/// A file of what was done, a JSON object on a line each, so that a run that was cut can go on.
/// Thread safety: `contains` from any thread while nothing is added by another run; `add` and `flush`
/// from one thread.
class journal {
public:
    /// Reads what is there; lines that are no entries, such as a torn last one, are passed over.
    /// Throws `std::system_error`.
    explicit journal(const std::string& name);

    /// Whether that target was done when the journal was opened. `method` is that of its request.
    bool contains(const target& what, const std::string& method) const;
    void add(const target& what, const std::string& method);
    /// Throws `std::system_error`.
    void flush();

private:
    unique_fd file_;
    std::unordered_set<std::uint64_t> before_; // constant after construction
    std::string unwritten_;
};

} // namespace fetcher
