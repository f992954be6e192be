// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include "target.hpp"
#include "unique_fd.hpp"
#include "validators.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <unordered_map>

namespace fetcher {

/// A file of what was done, a JSON object on a line each, so that a run that was cut can go on.
/// Thread safety: `contains` from any thread while nothing is added by another run; `add` and
/// `flush` from one thread.
class journal {
public:
    /// Reads what is there; lines that are no entries, such as a torn last one, are passed over.
    /// Validators are only kept in memory if they are wanted. Throws `std::system_error`.
    explicit journal(const std::string& name, bool with_validators = false);

    /// Whether that target was done when the journal was opened. `method` is that of its request.
    bool contains(const target& what, const std::string& method) const;
    /// What is known of that answer; null if nothing, or if validators are not wanted.
    const validators* known(const target& what, const std::string& method) const;
    void add(const target& what, const std::string& method, const validators& answered = {});
    /// Throws `std::system_error`.
    void flush();

private:
    unique_fd file_;
    // Constant after construction; the pointers are null where there are no validators.
    std::unordered_map<std::uint64_t, std::unique_ptr<const validators>> before_;
    std::string unwritten_;
};

} // namespace fetcher
