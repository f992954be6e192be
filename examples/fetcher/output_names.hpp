// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace fetcher {

/// The names of files that the targets of a run have taken, so that none writes over another's. Of
/// each it keeps a hash of 64 bits: among a million names, one in thirty million runs takes two for
/// the same.
/// Thread safety: unsafe; one thread at a time.
class output_names {
public:
    /// False when an earlier target has the file. `a//b` and `./a/b` are the file `a/b`.
    bool take(const std::string& path);

private:
    void grow();
    void insert(std::uint64_t hash);

    std::vector<std::uint64_t> slots_; // a power of two of them; 0: free
    std::size_t size_ = 0;
};

} // namespace fetcher
