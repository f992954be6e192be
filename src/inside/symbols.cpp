// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include "symbols.hpp"

#include "support/elf_file.hpp"

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <map>
#include <new>
#include <utility>

#include <link.h>
#include <unistd.h>

namespace ferry::detail {
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
    std::vector<stack_frame> frames;
    frames.reserve(addresses.size()); // the requests point into it
    std::map<std::string, std::vector<elf_file::request>> requests;
    for (std::size_t i = 0; i < addresses.size(); ++i) {
        const auto address = reinterpret_cast<std::uintptr_t>(addresses[i]);
        // A call that does not return may be the last instruction of its function.
        const std::uintptr_t inside = i == 0 || address == 0 ? address : address - 1;
        const module m = module_of(inside);
        auto& frame = frames.emplace_back(stack_frame{m.path, {}, address - m.base});
        if (m.found)
            requests[m.path].push_back({inside - m.base, &frame.symbol});
    }
    for (const auto& [path, of_file] : requests)
        elf_file(path).find_functions(of_file);
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

} // namespace ferry::detail
