// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include "elf_symbols.hpp"

#include "build_id.hpp"
#include "support/descriptor.hpp"

#include <boost/core/demangle.hpp>

#include <array>
#include <cstring>
#include <elf.h>
#include <fcntl.h>
#include <optional>
#include <unistd.h>
#include <vector>

namespace ferry::detail {
namespace {

constexpr std::size_t most_headers = 4096;
constexpr std::size_t most_note_bytes = std::size_t(1) << 16;
constexpr std::size_t longest_name = 4096;

class elf_file {
public:
    explicit elf_file(const std::string& path)
        : file_(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)) {
        if (!file_ || !read(&header_, sizeof header_, 0) ||
            std::memcmp(header_.e_ident, ELFMAG, SELFMAG) != 0 ||
            header_.e_ident[EI_CLASS] != (sizeof(void*) == 8 ? ELFCLASS64 : ELFCLASS32))
            return;
        segments_ = table<ElfW(Phdr)>(header_.e_phoff, header_.e_phnum, header_.e_phentsize);
        sections_ = table<ElfW(Shdr)>(header_.e_shoff, header_.e_shnum, header_.e_shentsize);
    }

    std::uint64_t build_id() const {
        for (const auto& s : segments_) {
            if (s.p_type != PT_NOTE || s.p_filesz > most_note_bytes)
                continue;
            std::vector<char> notes(s.p_filesz);
            if (!read(notes.data(), notes.size(), s.p_offset))
                continue;
            if (const auto id = build_id_in(notes, s.p_align))
                return id;
        }
        return 0;
    }

    /// The table with the most symbols; many files have only those that others may use.
    const ElfW(Shdr) * symbols() const noexcept {
        const ElfW(Shdr)* best = nullptr;
        for (const auto& s : sections_) {
            const bool fits = s.sh_entsize == sizeof(ElfW(Sym)) && s.sh_link < sections_.size();
            if (fits && (s.sh_type == SHT_SYMTAB || (s.sh_type == SHT_DYNSYM && best == nullptr)))
                best = &s;
        }
        return best;
    }

    /// Calls `f(symbol)` for each function of the table.
    template <class F>
    void each_function(const ElfW(Shdr) & of, F f) const {
        std::array<ElfW(Sym), 1024> some;
        const std::size_t count = of.sh_size / sizeof(ElfW(Sym));
        for (std::size_t at = 0; at < count; at += some.size()) {
            const std::size_t n = std::min(some.size(), count - at);
            if (!read(some.data(), n * sizeof(ElfW(Sym)), of.sh_offset + at * sizeof(ElfW(Sym))))
                return;
            for (std::size_t i = 0; i != n; ++i) {
                if ((some[i].st_info & 0xf) == STT_FUNC && some[i].st_shndx != SHN_UNDEF)
                    f(some[i]);
            }
        }
    }

    std::string name(const ElfW(Shdr) & of, std::uint32_t at) const {
        const auto& strings = sections_[of.sh_link];
        if (at >= strings.sh_size)
            return {};
        std::string text(std::min<std::size_t>(longest_name, strings.sh_size - at), '\0');
        const ssize_t n = ::pread(file_.get(), text.data(), text.size(),
                                  static_cast<off_t>(strings.sh_offset + at));
        text.resize(n > 0 ? static_cast<std::size_t>(n) : 0);
        text.resize(::strnlen(text.data(), text.size()));
        return text;
    }

private:
    bool read(void* to, std::size_t size, std::uint64_t from) const noexcept {
        return size == 0 || ::pread(file_.get(), to, size, static_cast<off_t>(from)) ==
                                static_cast<ssize_t>(size);
    }
    template <class Entry>
    std::vector<Entry> table(std::uint64_t from, std::size_t count, std::size_t size) const {
        if (size != sizeof(Entry) || count > most_headers)
            return {};
        std::vector<Entry> all(count);
        if (!read(all.data(), count * sizeof(Entry), from))
            all.clear();
        return all;
    }

    const descriptor file_;
    ElfW(Ehdr) header_ {};
    std::vector<ElfW(Phdr)> segments_;
    std::vector<ElfW(Shdr)> sections_;
};

} // namespace

std::uint64_t build_id_of_file(const std::string& path) { return elf_file(path).build_id(); }

bool find_symbols(const std::string& path, std::uint64_t build_id,
                  std::span<symbol_request> requests) {
    const elf_file file(path);
    if (build_id == 0 || file.build_id() != build_id)
        return false;
    const auto* const symbols = file.symbols();
    if (symbols == nullptr)
        return true;
    std::vector<std::optional<std::uint32_t>> names(requests.size());
    file.each_function(*symbols, [&](const ElfW(Sym) & s) {
        for (std::size_t i = 0; i != requests.size(); ++i) {
            if (requests[i].offset - s.st_value < std::max<std::uint64_t>(s.st_size, 1))
                names[i] = s.st_name;
        }
    });
    for (std::size_t i = 0; i != requests.size(); ++i) {
        if (names[i])
            requests[i].symbol = boost::core::demangle(file.name(*symbols, *names[i]).c_str());
    }
    return true;
}

} // namespace ferry::detail
