// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include "support/elf_file.hpp"

#include <cstddef>
#include <cstdint>
#include <link.h>
#include <span>

namespace ferry::detail {

/// The start of a hash.
inline constexpr std::uint64_t hash_basis = 0xcbf29ce484222325;
std::uint64_t hash_of(const void* data, std::size_t size, std::uint64_t h = hash_basis) noexcept;

/// The hash of the build-id among the notes of a module; 0 where there is none.
std::uint64_t build_id_in(std::span<const char> notes, std::size_t alignment) noexcept;
/// The same for a module that is loaded at `base`. Async-signal-safe.
std::uint64_t build_id_hash(std::uintptr_t base, std::span<const ElfW(Phdr)> segments) noexcept;
/// The same of a file.
std::uint64_t build_id_of(const elf_file& file);

} // namespace ferry::detail
