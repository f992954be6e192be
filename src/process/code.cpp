// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include <ferry/process/code.hpp>

#include <dlfcn.h>
#include <elf.h>
#include <link.h>

#include <cstring>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <unordered_map>

namespace ferry::detail {
namespace {

std::uint64_t hash_of(const void* data, std::size_t size, std::uint64_t h = 0xcbf29ce484222325) {
    const auto* p = static_cast<const unsigned char*>(data);
    for (std::size_t i = 0; i < size; ++i)
        h = (h ^ p[i]) * 0x100000001b3;
    return h;
}

bool covers(const dl_phdr_info& info, std::uintptr_t address) {
    for (int i = 0; i < info.dlpi_phnum; ++i) {
        const auto& h = info.dlpi_phdr[i];
        if (h.p_type == PT_LOAD && address - (info.dlpi_addr + h.p_vaddr) < h.p_memsz)
            return true;
    }
    return false;
}

// The build-id, or, where the linker was told to leave it out, the module's layout.
std::uint64_t identity_of(const dl_phdr_info& info) {
    for (int i = 0; i < info.dlpi_phnum; ++i) {
        const auto& h = info.dlpi_phdr[i];
        if (h.p_type != PT_NOTE)
            continue;
        const auto* at = reinterpret_cast<const char*>(info.dlpi_addr + h.p_vaddr);
        const auto* const end = at + h.p_memsz;
        const std::size_t align = h.p_align == 8 ? 8 : 4;
        const auto padded = [align](std::size_t n) { return (n + align - 1) / align * align; };
        while (at + sizeof(ElfW(Nhdr)) <= end) {
            ElfW(Nhdr) note{};
            std::memcpy(&note, at, sizeof note);
            const auto* const name = at + sizeof note;
            const auto* const text = name + padded(note.n_namesz);
            if (note.n_type == NT_GNU_BUILD_ID && note.n_namesz == 4 &&
                std::memcmp(name, "GNU", 4) == 0)
                return hash_of(text, note.n_descsz) | 1;
            at = text + padded(note.n_descsz);
        }
    }
    return hash_of(info.dlpi_phdr, info.dlpi_phnum * sizeof *info.dlpi_phdr,
                   hash_of(info.dlpi_name, std::strlen(info.dlpi_name))) |
           1;
}

struct found_module {
    std::uint64_t identity = 0;
    std::uintptr_t base = 0;
    std::string path; // empty: the program itself
};

// The first module for which `wanted` is true.
template <class F>
std::optional<found_module> find_module(F wanted) {
    struct request {
        F& wanted;
        std::optional<found_module> result;
        bool first = true;
    } r{wanted, {}};
    ::dl_iterate_phdr(
        [](dl_phdr_info* info, std::size_t, void* p) {
            auto& q = *static_cast<request*>(p);
            const bool program = std::exchange(q.first, false);
            if (!q.wanted(*info))
                return 0;
            q.result = found_module{identity_of(*info), info->dlpi_addr,
                                    program ? std::string() : std::string(info->dlpi_name)};
            return 1;
        },
        &r);
    return std::move(r.result);
}

struct memory {
    std::mutex mutex;
    std::unordered_map<const void*, code_ref> located;
    std::map<std::uint64_t, std::uintptr_t> bases;
    std::set<std::string, std::less<>> paths; // keeps what code_ref::path refers to

    static memory& instance() {
        static auto* const m = new memory; // outlives every static pool
        return *m;
    }
};

} // namespace

code_ref locate(const void* address) {
    auto& m = memory::instance();
    const std::lock_guard lock(m.mutex);
    if (const auto it = m.located.find(address); it != m.located.end())
        return it->second;
    const auto at = reinterpret_cast<std::uintptr_t>(address);
    auto found = find_module([at](const dl_phdr_info& info) { return covers(info, at); });
    if (!found)
        throw std::invalid_argument("the function is in no module of the program: a worker process "
                                    "could not find it");
    const code_ref ref{found->identity, at - found->base, *m.paths.insert(found->path).first};
    m.located.emplace(address, ref);
    return ref;
}

const void* resolve(const code_ref& ref) {
    auto& m = memory::instance();
    const std::lock_guard lock(m.mutex);
    auto it = m.bases.find(ref.module);
    if (it == m.bases.end()) {
        const auto is_it = [&ref](const dl_phdr_info& info) {
            return identity_of(info) == ref.module;
        };
        auto found = find_module(is_it);
        const std::string path(ref.path);
        if (!found && !path.empty() && ::dlopen(path.c_str(), RTLD_NOW) != nullptr)
            found = find_module(is_it);
        if (!found)
            throw std::runtime_error("the worker process cannot find the module '" + path +
                                     "' that holds the function");
        it = m.bases.emplace(ref.module, found->base).first;
    }
    return reinterpret_cast<const void*>(it->second + ref.offset);
}

std::optional<std::uintptr_t> loaded_at(std::uint64_t module) {
    const auto found = find_module(
        [module](const dl_phdr_info& info) { return identity_of(info) == module; });
    return found ? std::optional(found->base) : std::nullopt;
}

std::uint64_t program_identity() {
    static const std::uint64_t id =
        find_module([](const dl_phdr_info&) { return true; }).value_or(found_module{}).identity;
    return id;
}

void put_code(byte_sink& out, const code_ref& ref) {
    out.put(ref.module);
    out.put(ref.offset);
    put_string(out, std::string(ref.path));
}

const void* get_code(byte_source& in) {
    code_ref ref;
    ref.module = in.get<std::uint64_t>();
    ref.offset = in.get<std::uint64_t>();
    const std::string path = in.get_string();
    ref.path = path;
    return resolve(ref);
}

} // namespace ferry::detail
