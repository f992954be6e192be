// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <cstdint>
#include <span>
#include <string>

namespace ferry::detail {

/// The hash of the build-id of a program's or library's file; 0 where it has none.
std::uint64_t build_id_of_file(const std::string& path);

/// A place in a module that wants a name.
struct symbol_request {
    std::uint64_t offset = 0;
    std::string symbol = {}; ///< of the function that holds it, demangled; empty if there is none
};

/// Finds the names in the file of a module whose build-id has that hash; false, and nothing is
/// found, where it is another file or none. The file is read, not mapped: it may change meanwhile.
bool find_symbols(const std::string& path, std::uint64_t build_id,
                  std::span<symbol_request> requests);

} // namespace ferry::detail
