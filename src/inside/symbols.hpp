// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <ferry/config.hpp>
#include <ferry/stack_frame.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace ferry::detail {

/// The functions that an ELF file names, static ones included where it is not stripped. The file is
/// not trusted: whatever lies outside of it is left out.
class FERRY_DECL elf_symbols {
public:
    struct function {
        std::string name; // as it is linked
        std::uint64_t offset;
    };

    /// Without a file that can be read, one that knows nothing.
    explicit elf_symbols(const std::string& path);
    ~elf_symbols();
    elf_symbols(elf_symbols&& o) noexcept;
    elf_symbols& operator=(elf_symbols&&) = delete;

    /// The function that contains the address, counted from where the file is loaded.
    std::optional<function> find(std::uint64_t address) const;
    /// The address, counted likewise, of a byte of the file that is loaded.
    std::optional<std::uint64_t> address_at(std::uint64_t offset) const;

private:
    template <class T>
    const T* at(std::uint64_t offset, std::uint64_t count = 1) const noexcept;
    void find_tables() noexcept;

    const std::byte* data_ = nullptr;
    std::size_t size_ = 0;
    std::uint64_t symbols_ = 0, symbol_count_ = 0, names_ = 0, names_size_ = 0;
};

/// Names the frames of a stack of this process; the first is taken as it is, the others as the
/// addresses that calls return to. Not for signal handlers.
std::vector<stack_frame> symbolise(std::span<void* const> addresses);

/// The name of the function at that address of this process, or `module+0x12` without one.
std::string name_of_function(const void* address);

} // namespace ferry::detail
