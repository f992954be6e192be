// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include "build_id.hpp"

#include <cstring>
#include <vector>

namespace ferry::detail {
namespace {

constexpr std::size_t most_note_bytes = std::size_t(1) << 16;

using loose_word __attribute__((aligned(1), may_alias)) = std::uint64_t;

} // namespace

// It reads the memory of a whole module, so also what a sanitizer takes for gaps between objects.
__attribute__((no_sanitize("address", "thread"))) std::uint64_t
hash_of(const void* data, std::size_t size, std::uint64_t h) noexcept {
    const auto* p = static_cast<const unsigned char*>(data);
    for (; size >= sizeof(loose_word); p += sizeof(loose_word), size -= sizeof(loose_word)) {
        h = (h ^ *reinterpret_cast<const loose_word*>(p)) * 0x100000001b3;
        h ^= h >> 29; // since multiplication never carries upper bits into lower ones
    }
    for (; size != 0; ++p, --size)
        h = (h ^ *p) * 0x100000001b3;
    return h;
}

std::uint64_t build_id_in(std::span<const char> notes, std::size_t alignment) noexcept {
    const std::size_t align = alignment == 8 ? 8 : 4;
    const auto padded = [align](std::size_t n) { return (n + align - 1) / align * align; };
    while (notes.size() >= sizeof(ElfW(Nhdr))) {
        ElfW(Nhdr) note{};
        std::memcpy(&note, notes.data(), sizeof note);
        notes = notes.subspan(sizeof note);
        const std::size_t text = padded(note.n_namesz);
        const std::size_t next = text + padded(note.n_descsz);
        if (next > notes.size())
            return 0;
        if (note.n_type == NT_GNU_BUILD_ID && note.n_namesz == 4 &&
            std::memcmp(notes.data(), "GNU", 4) == 0)
            return hash_of(notes.data() + text, note.n_descsz) | 1;
        notes = notes.subspan(next);
    }
    return 0;
}

std::uint64_t build_id_hash(std::uintptr_t base, std::span<const ElfW(Phdr)> segments) noexcept {
    for (const auto& s : segments) {
        if (s.p_type != PT_NOTE)
            continue;
        const auto* const at = reinterpret_cast<const char*>(base + s.p_vaddr);
        if (const auto id = build_id_in({at, s.p_memsz}, s.p_align))
            return id;
    }
    return 0;
}

std::uint64_t build_id_of(const elf_file& file) {
    for (const auto& s : file.segments()) {
        if (s.p_type != PT_NOTE || s.p_filesz > most_note_bytes)
            continue;
        std::vector<char> notes(s.p_filesz);
        if (!file.read(notes.data(), notes.size(), s.p_offset))
            continue;
        if (const auto id = build_id_in(notes, s.p_align))
            return id;
    }
    return 0;
}

} // namespace ferry::detail
