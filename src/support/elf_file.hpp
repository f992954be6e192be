// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <ferry/config.hpp>

#include "descriptor.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <link.h>

namespace ferry::detail {

/// The file of a program or of a shared library. It is read, not mapped, because it may change
/// meanwhile; and it is not trusted: whatever lies outside of it is left out. Addresses are counted
/// from where the file is loaded.
class FERRY_DECL elf_file {
public:
    /// An address that wants the name of the function that contains it.
    struct request {
        std::uint64_t address;
        std::string* name; ///< where it is stored, demangled; left alone if there is none
    };

    /// A file that cannot be read, or is none of this machine's, has neither segments nor names.
    explicit elf_file(const std::string& path);

    std::span<const ElfW(Phdr)> segments() const noexcept { return segments_; }
    /// Whether all of it was there.
    bool read(void* to, std::size_t size, std::uint64_t from) const noexcept;
    /// The address of a byte of the file, if it is loaded.
    std::optional<std::uint64_t> address_at(std::uint64_t offset) const noexcept;

    /// Finds names, of static functions too if the file is not stripped; reads the table once.
    void find_functions(std::span<const request> requests) const;

private:
    template <class Entry>
    std::vector<Entry> table(std::uint64_t from, std::size_t count, std::size_t size) const;
    const ElfW(Shdr) * symbols() const noexcept;
    std::string name_at(const ElfW(Shdr) & names, std::uint32_t at) const;

    const descriptor file_;
    std::vector<ElfW(Phdr)> segments_;
    std::vector<ElfW(Shdr)> sections_;
};

} // namespace ferry::detail
