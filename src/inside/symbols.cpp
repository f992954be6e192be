// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include "symbols.hpp"

#include <ferry/unhandled.hpp>

#include <cstdio>
#include <cstring>
#include <map>
#include <ostream>
#include <utility>

#include <elf.h>
#include <fcntl.h>
#include <link.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

namespace ferry {

namespace detail {

elf_symbols::elf_symbols(const std::string& path) {
    const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return;
    struct ::stat about{};
    if (::fstat(fd, &about) == 0 && S_ISREG(about.st_mode) && about.st_size > 0) {
        void* const p =
            ::mmap(nullptr, static_cast<std::size_t>(about.st_size), PROT_READ, MAP_PRIVATE, fd, 0);
        if (p != MAP_FAILED) {
            data_ = static_cast<const std::byte*>(p);
            size_ = static_cast<std::size_t>(about.st_size);
            find_tables();
        }
    }
    ::close(fd);
}

elf_symbols::~elf_symbols() {
    if (data_ != nullptr)
        ::munmap(const_cast<std::byte*>(data_), size_);
}

elf_symbols::elf_symbols(elf_symbols&& o) noexcept
    : data_(std::exchange(o.data_, nullptr)), size_(o.size_), symbols_(o.symbols_),
      symbol_count_(o.symbol_count_), names_(o.names_), names_size_(o.names_size_) {}

template <class T>
const T* elf_symbols::at(std::uint64_t offset, std::uint64_t count) const noexcept {
    if (offset > size_ || count > (size_ - offset) / sizeof(T) || offset % alignof(T) != 0)
        return nullptr;
    return reinterpret_cast<const T*>(data_ + offset);
}

void elf_symbols::find_tables() noexcept {
    const auto* const header = at<ElfW(Ehdr)>(0);
    if (header == nullptr || std::memcmp(header->e_ident, ELFMAG, SELFMAG) != 0 ||
        header->e_ident[EI_CLASS] != (sizeof(void*) == 8 ? ELFCLASS64 : ELFCLASS32) ||
        header->e_shentsize != sizeof(ElfW(Shdr)))
        return;
    const auto* const sections = at<ElfW(Shdr)>(header->e_shoff, header->e_shnum);
    if (sections == nullptr)
        return;
    for (const auto wanted : {SHT_SYMTAB, SHT_DYNSYM}) { // the latter is left in a stripped file
        for (unsigned i = 0; i < header->e_shnum; ++i) {
            const auto& s = sections[i];
            if (s.sh_type != static_cast<unsigned>(wanted) || s.sh_link >= header->e_shnum)
                continue;
            const auto& names = sections[s.sh_link];
            const std::uint64_t count = s.sh_size / sizeof(ElfW(Sym));
            if (at<ElfW(Sym)>(s.sh_offset, count) == nullptr ||
                at<char>(names.sh_offset, names.sh_size) == nullptr || names.sh_size == 0)
                continue;
            symbols_ = s.sh_offset;
            symbol_count_ = count;
            names_ = names.sh_offset;
            names_size_ = names.sh_size;
            return;
        }
    }
}

std::optional<elf_symbols::function> elf_symbols::find(std::uint64_t address) const {
    if (symbol_count_ == 0)
        return {};
    const auto* const symbols = at<ElfW(Sym)>(symbols_, symbol_count_);
    const auto* const names = at<char>(names_, names_size_);
    for (std::uint64_t i = 0; i < symbol_count_; ++i) {
        const auto& s = symbols[i];
        const auto type = s.st_info & 15U;
        if ((type != STT_FUNC && type != STT_GNU_IFUNC) || s.st_shndx == SHN_UNDEF ||
            address < s.st_value || address - s.st_value >= s.st_size || s.st_name >= names_size_)
            continue;
        const char* const name = names + s.st_name;
        return function{std::string(name, ::strnlen(name, names_size_ - s.st_name)),
                        address - s.st_value};
    }
    return {};
}

std::optional<std::uint64_t> elf_symbols::address_at(std::uint64_t offset) const {
    const auto* const header = at<ElfW(Ehdr)>(0);
    if (symbol_count_ == 0 || header->e_phentsize != sizeof(ElfW(Phdr)))
        return {};
    const auto* const parts = at<ElfW(Phdr)>(header->e_phoff, header->e_phnum);
    for (unsigned i = 0; parts != nullptr && i < header->e_phnum; ++i) {
        if (parts[i].p_type == PT_LOAD && offset >= parts[i].p_offset &&
            offset - parts[i].p_offset < parts[i].p_filesz)
            return offset - parts[i].p_offset + parts[i].p_vaddr;
    }
    return {};
}

namespace {

struct module {
    std::uintptr_t address;
    std::uintptr_t base = 0;
    std::string path = {};
    bool found = false;
};

// The module that contains the address. Its functions run under the loader's lock.
module module_of(std::uintptr_t address) {
    module m{address};
    ::dl_iterate_phdr(
        [](dl_phdr_info* info, std::size_t, void* to) noexcept {
            auto& m = *static_cast<module*>(to);
            for (int i = 0; i < info->dlpi_phnum; ++i) {
                const auto& part = info->dlpi_phdr[i];
                if (part.p_type != PT_LOAD ||
                    m.address - (info->dlpi_addr + part.p_vaddr) >= part.p_memsz)
                    continue;
                m.base = info->dlpi_addr;
                m.found = true;
                try {
                    m.path = info->dlpi_name;
                } catch (const std::bad_alloc&) { // then it goes without
                }
                return 1;
            }
            return 0;
        },
        &m);
    if (m.found && m.path.empty()) { // the program itself
        std::string path(4096, '\0');
        const auto n = ::readlink("/proc/self/exe", path.data(), path.size());
        path.resize(n > 0 ? static_cast<std::size_t>(n) : 0);
        m.path = std::move(path);
    }
    return m;
}

} // namespace

std::vector<stack_frame> symbolise(std::span<void* const> addresses) {
    std::map<std::string, elf_symbols> files;
    std::vector<stack_frame> frames;
    frames.reserve(addresses.size());
    for (std::size_t i = 0; i < addresses.size(); ++i) {
        const auto address = reinterpret_cast<std::uintptr_t>(addresses[i]);
        // A call that does not return may be the last instruction of its function.
        const std::uintptr_t inside = i == 0 || address == 0 ? address : address - 1;
        const module m = module_of(inside);
        stack_frame frame{m.path, {}, address - m.base};
        if (m.found) {
            const auto file = files.try_emplace(m.path, m.path).first;
            if (const auto f = file->second.find(inside - m.base)) {
                frame.symbol = demangle(f->name.c_str());
            }
        }
        frames.push_back(std::move(frame));
    }
    return frames;
}

std::string name_of_function(const void* address) {
    void* const p = const_cast<void*>(address);
    const stack_frame frame = symbolise({&p, 1}).front();
    if (!frame.symbol.empty())
        return frame.symbol;
    char text[32];
    std::snprintf(text, sizeof text, "+0x%llx", static_cast<unsigned long long>(frame.offset));
    return frame.module.substr(frame.module.rfind('/') + 1) + text;
}

} // namespace detail
} // namespace ferry
