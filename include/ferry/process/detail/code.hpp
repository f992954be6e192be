// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <ferry/config.hpp>
#include <ferry/process/detail/bytes.hpp>

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
    /// The file of a shared library, so that it can be loaded; empty for the program itself. Its
    /// storage is static.
    std::string_view path = {};

    friend bool operator==(const code_ref& a, const code_ref& b) noexcept {
        return a.module == b.module && a.offset == b.offset;
    }
};

/// Finds out; remembers what it found for as long as no shared library is unloaded.
/// Errors: `std::invalid_argument` for an address in no module. Thread safety: safe.
FERRY_DECL code_ref locate(const void* address);
/// The address in this process; loads a shared library that is not there yet. Only for what a
/// trusted process says. Errors: `std::runtime_error` that names the module.
FERRY_DECL const void* resolve(const code_ref& ref);
/// Where `size` bytes of data are that another process says are in a module: null unless the
/// module is loaded here and they lie in its data. Loads nothing. Thread safety: safe.
FERRY_DECL const void* find_data(std::uint64_t module, std::uint64_t offset, std::size_t size);
/// True for bytes of a module that the program cannot change any more.
FERRY_DECL bool is_constant_data(const void* at, std::size_t size);
/// The first module's, the program's own, identity.
FERRY_DECL std::uint64_t program_identity();
/// The file that the program itself was loaded from; empty where the kernel does not say.
FERRY_DECL std::string program_file();
/// The file that is mapped at an address, as the kernel names it; empty where it does not say.
FERRY_DECL std::string file_mapped_at(const void* address);

FERRY_DECL void put_code(byte_sink& out, const code_ref& ref);
FERRY_DECL const void* get_code(byte_source& in);

} // namespace ferry::detail
