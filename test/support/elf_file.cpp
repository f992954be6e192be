// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include "support/elf_file.hpp"

#define BOOST_TEST_MODULE elf_file
#include <boost/test/unit_test.hpp>

#include <array>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <string>

#include <elf.h>
#include <link.h>
#include <unistd.h>

namespace {

using ferry::detail::elf_file;

const char* const own_file = "/proc/self/exe";

[[gnu::noinline]] int a_static_function(int n) {
    asm volatile("" : "+r"(n));
    return n + 1;
}
[[gnu::noinline]] int another_function(int n) {
    asm volatile("" : "+r"(n));
    return n + 2;
}

// Where the program itself is loaded: it is the first of all modules.
std::uint64_t base() {
    std::uint64_t at = 0;
    ::dl_iterate_phdr(
        [](dl_phdr_info* info, std::size_t, void* p) {
            *static_cast<std::uint64_t*>(p) = info->dlpi_addr;
            return 1;
        },
        &at);
    return at;
}
std::uint64_t address_of(int (*f)(int)) { return reinterpret_cast<std::uintptr_t>(f) - base(); }

std::string name_in(const elf_file& file, std::uint64_t address) {
    std::string name;
    const elf_file::request one{address, &name};
    file.find_functions({&one, 1});
    return name;
}

/// A file that is removed at the end.
class temporary_file {
public:
    explicit temporary_file(const std::string& content) {
        const int fd = ::mkstemp(path_.data());
        BOOST_REQUIRE(fd >= 0);
        ::close(fd);
        std::ofstream(path_, std::ios::binary) << content;
    }
    ~temporary_file() { ::unlink(path_.c_str()); }
    const std::string& path() const { return path_; }

private:
    std::string path_ = "/tmp/ferry_elf_XXXXXX";
};

std::string start_of_own_file(std::size_t size) {
    std::ifstream in(own_file, std::ios::binary);
    std::string start(size, '\0');
    in.read(start.data(), static_cast<std::streamsize>(start.size()));
    return start;
}

} // namespace

BOOST_AUTO_TEST_CASE(one_reading_of_the_table_names_several_functions) {
    const elf_file file(own_file);
    std::array<std::string, 3> names{"", "", "left alone"};
    const std::array requests{elf_file::request{address_of(a_static_function), &names[0]},
                              elf_file::request{address_of(another_function) + 1, &names[1]},
                              elf_file::request{1, &names[2]}};
    file.find_functions(requests);
    BOOST_TEST(names[0] == "(anonymous namespace)::a_static_function(int)");
    BOOST_TEST(names[1] == "(anonymous namespace)::another_function(int)");
    BOOST_TEST(names[2] == "left alone"); // the header of the file
}

BOOST_AUTO_TEST_CASE(a_byte_that_is_loaded_has_an_address) {
    const elf_file file(own_file);
    const auto address = address_of(a_static_function);
    std::size_t in_parts = 0;
    for (const auto& s : file.segments()) {
        if (s.p_type != PT_LOAD || address - s.p_vaddr >= s.p_filesz)
            continue;
        ++in_parts;
        const auto offset = address - s.p_vaddr + s.p_offset;
        BOOST_TEST(file.address_at(offset).value_or(0) == address);
        std::array<char, 8> there{};
        BOOST_TEST(file.read(there.data(), there.size(), offset));
        BOOST_TEST(std::memcmp(there.data(), reinterpret_cast<const void*>(&a_static_function),
                               there.size()) == 0);
    }
    BOOST_TEST(in_parts == 1u);
    BOOST_TEST(!file.address_at(~std::uint64_t(0)).has_value());
}

BOOST_AUTO_TEST_CASE(a_file_that_is_no_program_has_no_names) {
    // Empty, text, a program that is cut off in its header, and one whose table of sections is
    // not there.
    for (const auto& content : {std::string(), std::string("#!/bin/sh\n"), start_of_own_file(40),
                                start_of_own_file(4096)}) {
        const temporary_file file(content);
        BOOST_TEST(name_in(elf_file(file.path()), address_of(a_static_function)).empty());
    }
    for (const char* const path : {"/nonexistent", "/", "/dev/zero"}) {
        const elf_file file(path);
        BOOST_TEST(file.segments().empty());
        BOOST_TEST(name_in(file, address_of(a_static_function)).empty());
    }
}

BOOST_AUTO_TEST_CASE(tables_that_lie_outside_of_their_file_are_left_out) {
    std::string content = start_of_own_file(4096);
    ElfW(Ehdr) header{};
    std::memcpy(&header, content.data(), sizeof header);
    // Sections that are there, a table of symbols that is not, and one whose names are not.
    header.e_shoff = 2048;
    header.e_shnum = 2;
    std::array<ElfW(Shdr), 2> sections{};
    sections[0].sh_type = SHT_SYMTAB;
    sections[0].sh_entsize = sizeof(ElfW(Sym));
    sections[0].sh_link = 1;
    sections[1].sh_type = SHT_STRTAB;
    sections[1].sh_size = ~std::uint64_t(0);
    ElfW(Sym) symbol{};
    symbol.st_info = STT_FUNC;
    symbol.st_shndx = 1;
    symbol.st_value = 0x1000;
    symbol.st_size = 16;
    symbol.st_name = 7;
    const auto name_with = [&](std::uint64_t symbols, std::uint64_t size, std::uint64_t names,
                               std::uint32_t link) {
        sections[0].sh_offset = symbols;
        sections[0].sh_size = size;
        sections[0].sh_link = link;
        sections[1].sh_offset = names;
        std::memcpy(content.data(), &header, sizeof header);
        std::memcpy(content.data() + 2048, sections.data(), sizeof sections);
        std::memcpy(content.data() + 3072, &symbol, sizeof symbol);
        std::memcpy(content.data() + 3500 + 7, "found", 6);
        const temporary_file file(content);
        return name_in(elf_file(file.path()), 0x1008);
    };
    BOOST_TEST(name_with(3072, sizeof symbol, 3500, 1) == "found");
    BOOST_TEST(name_with(3072, sizeof symbol, 1 << 20, 1) == "");
    BOOST_TEST(name_with(3072, sizeof symbol, std::uint64_t(1) << 63, 1) == "");
    BOOST_TEST(name_with(3072, sizeof symbol, 3500, 2) == "");
    BOOST_TEST(name_with(1 << 20, sizeof symbol, 3500, 1) == "");
    BOOST_TEST(name_with(~std::uint64_t(0), sizeof symbol, 3500, 1) == "");
    BOOST_TEST(name_with(3072, ~std::uint64_t(0), 3500, 1) == "");
}
