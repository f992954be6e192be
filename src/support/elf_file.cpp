// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include "elf_file.hpp"

#include <ferry/unhandled.hpp>

#include <algorithm>
#include <cstring>

#include <elf.h>
#include <fcntl.h>
#include <unistd.h>

namespace ferry::detail {
namespace {

constexpr std::size_t most_headers = 4096;
constexpr std::size_t longest_name = std::size_t(1) << 16;
constexpr std::size_t symbols_at_once = 1024;

bool is_function(const ElfW(Sym) & s) noexcept {
    const auto type = s.st_info & 15U;
    return (type == STT_FUNC || type == STT_GNU_IFUNC) && s.st_shndx != SHN_UNDEF;
}

// One that the assembler wrote may have no size.
bool contains(const ElfW(Sym) & s, std::uint64_t address) noexcept {
    return address - s.st_value < std::max<std::uint64_t>(s.st_size, 1);
}

} // namespace

elf_file::elf_file(const std::string& path)
    : file_(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)) {
    ElfW(Ehdr) header{};
    if (!file_ || !read(&header, sizeof header, 0) ||
        std::memcmp(header.e_ident, ELFMAG, SELFMAG) != 0 ||
        header.e_ident[EI_CLASS] != (sizeof(void*) == 8 ? ELFCLASS64 : ELFCLASS32))
        return;
    segments_ = table<ElfW(Phdr)>(header.e_phoff, header.e_phnum, header.e_phentsize);
    sections_ = table<ElfW(Shdr)>(header.e_shoff, header.e_shnum, header.e_shentsize);
}

bool elf_file::read(void* to, std::size_t size, std::uint64_t from) const noexcept {
    return size == 0 ||
           ::pread(file_.get(), to, size, static_cast<off_t>(from)) == static_cast<ssize_t>(size);
}

template <class Entry>
std::vector<Entry> elf_file::table(std::uint64_t from, std::size_t count, std::size_t size) const {
    if (size != sizeof(Entry) || count > most_headers)
        return {};
    std::vector<Entry> all(count);
    if (!read(all.data(), count * sizeof(Entry), from))
        all.clear();
    return all;
}

// The table of all symbols; a stripped file has only the one of those that others may use.
const ElfW(Shdr) * elf_file::symbols() const noexcept {
    const ElfW(Shdr)* best = nullptr;
    for (const auto& s : sections_) {
        const bool fits = s.sh_entsize == sizeof(ElfW(Sym)) && s.sh_link < sections_.size();
        if (fits && (s.sh_type == SHT_SYMTAB || (s.sh_type == SHT_DYNSYM && best == nullptr)))
            best = &s;
    }
    return best;
}

std::string elf_file::name_at(const ElfW(Shdr) & names, std::uint32_t at) const {
    if (at >= names.sh_size)
        return {};
    std::string text(std::min<std::size_t>(longest_name, names.sh_size - at), '\0');
    const ssize_t n =
        ::pread(file_.get(), text.data(), text.size(), static_cast<off_t>(names.sh_offset + at));
    text.resize(n > 0 ? static_cast<std::size_t>(n) : 0);
    text.resize(::strnlen(text.data(), text.size()));
    return text;
}

void elf_file::find_functions(std::span<const request> requests) const {
    const auto* const of = symbols();
    if (of == nullptr)
        return;
    // The last of several that contain an address: those that others may use come last, and what
    // the compiler calls them among itself comes before.
    std::vector<std::optional<std::uint32_t>> names(requests.size());
    std::vector<ElfW(Sym)> some(symbols_at_once);
    const std::size_t count = of->sh_size / sizeof(ElfW(Sym));
    for (std::size_t at = 0; at < count; at += some.size()) {
        some.resize(std::min(some.size(), count - at));
        if (!read(some.data(), some.size() * sizeof(ElfW(Sym)),
                  of->sh_offset + at * sizeof(ElfW(Sym))))
            break;
        for (const auto& s : some) {
            if (!is_function(s))
                continue;
            for (std::size_t i = 0; i != requests.size(); ++i) {
                if (contains(s, requests[i].address))
                    names[i] = s.st_name;
            }
        }
    }
    for (std::size_t i = 0; i != requests.size(); ++i) {
        if (names[i])
            *requests[i].name = demangle(name_at(sections_[of->sh_link], *names[i]).c_str());
    }
}

std::optional<std::uint64_t> elf_file::address_at(std::uint64_t offset) const noexcept {
    for (const auto& s : segments_) {
        if (s.p_type == PT_LOAD && offset >= s.p_offset && offset - s.p_offset < s.p_filesz)
            return offset - s.p_offset + s.p_vaddr;
    }
    return {};
}

} // namespace ferry::detail
