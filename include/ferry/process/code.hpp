// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <ferry/process/bytes.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace ferry::detail {

/// Where code, or an object of static storage, is in any process of the same program: the module
/// that holds it, by its build-id, and the offset in it.
struct code_ref {
    std::uint64_t module = 0;
    std::uint64_t offset = 0;
    std::string_view path = {}; ///< of a shared library, so that it can be loaded; static storage

    friend bool operator==(const code_ref& a, const code_ref& b) noexcept {
        return a.module == b.module && a.offset == b.offset;
    }
};

/// Finds out; remembers what it found. Errors: `std::invalid_argument` for an address in no module.
/// Thread safety: safe.
code_ref locate(const void* address);
/// The address in this process; loads a shared library that is not there yet.
/// Errors: `std::runtime_error` that names the module.
const void* resolve(const code_ref& ref);
/// Where a module is loaded in this process, if it is. Loads nothing.
std::optional<std::uintptr_t> loaded_at(std::uint64_t module);
/// The first module's, the program's own, identity.
std::uint64_t program_identity();

void put_code(byte_sink& out, const code_ref& ref);
const void* get_code(byte_source& in);

} // namespace ferry::detail
