// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include <ferry/process/detail/code.hpp>

#include "build_id.hpp"
#include "support/annotated_mutex.hpp"

#include <dlfcn.h>
#include <elf.h>
#include <link.h>

#include <algorithm>
#include <cinttypes>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <memory>
#include <set>
#include <stdexcept>
#include <unordered_map>
#include <vector>

namespace ferry::detail {
namespace {

// ---- What a module is ---------------------------------------------------------------------------

// Without a build-id, a program is identified by its layout, because its workers run the same file.
// The file of a shared library may be replaced by another one of the same layout, so all of its
// contents that loading does not change are included.
std::uint64_t identity_of(const dl_phdr_info& info, bool program) {
    if (const auto id = build_id_hash(info.dlpi_addr, {info.dlpi_phdr, info.dlpi_phnum}))
        return id;
    std::uint64_t h = hash_of(info.dlpi_phdr, info.dlpi_phnum * sizeof *info.dlpi_phdr);
    for (int i = 0; i < info.dlpi_phnum && !program; ++i) {
        const auto& s = info.dlpi_phdr[i];
        if (s.p_type == PT_LOAD && (s.p_flags & PF_R) != 0 && (s.p_flags & PF_W) == 0)
            h = hash_of(reinterpret_cast<const void*>(info.dlpi_addr + s.p_vaddr), s.p_filesz, h);
    }
    return h | 1;
}

struct module_segment {
    std::uintptr_t start = 0;
    std::size_t size = 0;
    bool code = false;
    bool constant = false; // it cannot be written to

    bool holds(std::uintptr_t at, std::size_t n) const noexcept {
        return at - start < size && n <= size - (at - start);
    }
};

struct module_info {
    std::uint64_t identity = 0;
    std::uintptr_t base = 0;
    std::string name; // by which it was loaded; empty: the program itself
    std::vector<module_segment> segments;

    bool covers(std::uintptr_t at) const noexcept {
        return std::any_of(segments.begin(), segments.end(),
                           [at](const module_segment& s) { return s.holds(at, 1); });
    }
};

module_info describe(const dl_phdr_info& info, bool program) {
    module_info m{identity_of(info, program),
                  info.dlpi_addr,
                  program || info.dlpi_name == nullptr ? "" : info.dlpi_name,
                  {}};
    for (int i = 0; i < info.dlpi_phnum; ++i) {
        const auto& h = info.dlpi_phdr[i];
        if (h.p_type == PT_LOAD && (h.p_flags & PF_R) != 0)
            m.segments.push_back({info.dlpi_addr + h.p_vaddr, h.p_memsz, (h.p_flags & PF_X) != 0,
                                  (h.p_flags & PF_W) == 0});
        else if (h.p_type == PT_GNU_RELRO)
            m.segments.push_back({info.dlpi_addr + h.p_vaddr, h.p_memsz, false, true});
    }
    return m;
}

const module_info& program() {
    static const auto* const p = [] {
        auto found = std::make_unique<module_info>();
        ::dl_iterate_phdr(
            [](dl_phdr_info* info, std::size_t, void* to) {
                *static_cast<module_info*>(to) = describe(*info, true);
                return 1;
            },
            found.get());
        return found.release();
    }();
    return *p;
}

// ---- What is loaded -----------------------------------------------------------------------------

/// The shared libraries of this process, and what was found in them.
struct module_table {
    annotated_mutex mutex;
    std::vector<module_info> libraries FERRY_GUARDED_BY(mutex);
    bool known FERRY_GUARDED_BY(mutex) = false;
    unsigned long long loaded FERRY_GUARDED_BY(mutex) = 0;   // the loader's count of loadings
    unsigned long long unloaded FERRY_GUARDED_BY(mutex) = 0; // and of unloadings
    // Addresses in libraries. They are forgotten when one is unloaded, because the next library may
    // be loaded at the same address.
    std::unordered_map<const void*, code_ref> located FERRY_GUARDED_BY(mutex);
    std::unordered_map<const void*, code_ref> in_program FERRY_GUARDED_BY(mutex);
    // The strings to which code_ref::path refers.
    std::set<std::string, std::less<>> paths FERRY_GUARDED_BY(mutex);

    static module_table& instance() {
        static auto* const m = new module_table; // never destroyed: a static pool may use it
        return *m;
    }

    /// Reads the list of libraries again if one was loaded or unloaded since.
    void refresh() FERRY_REQUIRES(mutex);
    const module_info* find(std::uint64_t identity) const FERRY_REQUIRES(mutex) {
        const auto it = std::find_if(libraries.begin(), libraries.end(),
                                     [=](const module_info& m) { return m.identity == identity; });
        return it != libraries.end() ? &*it : nullptr;
    }
};

void module_table::refresh() {
    struct request {
        module_table& table;
        std::vector<module_info> found;
        bool first = true;
        bool changed = false;
        std::exception_ptr error;
    } r{*this, {}, true, false, nullptr};
    ::dl_iterate_phdr(
        [](dl_phdr_info* info, std::size_t, void* p) FERRY_UNCHECKED { // with the mutex
            auto& q = *static_cast<request*>(p);
            if (std::exchange(q.first, false)) { // the program itself
                auto& t = q.table;
                q.changed =
                    !t.known || info->dlpi_adds != t.loaded || info->dlpi_subs != t.unloaded;
                if (info->dlpi_subs != t.unloaded)
                    t.located.clear();
                t.known = false; // until all of it has been read
                t.loaded = info->dlpi_adds;
                t.unloaded = info->dlpi_subs;
                return q.changed ? 0 : 1;
            }
            try {
                q.found.push_back(describe(*info, false));
            } catch (...) { // an exception must not pass through the loader
                q.error = std::current_exception();
                return 1;
            }
            return 0;
        },
        &r);
    if (r.error != nullptr)
        std::rethrow_exception(r.error);
    if (r.changed)
        libraries = std::move(r.found);
    known = true;
}

// Returns a path from which a process with any working directory can load the library: it may have
// been loaded by a relative path, or by a name that leads to another file now.
std::string path_of(const module_info& m, const void* address) {
    std::string path = file_mapped_at(address);
    if (constexpr std::string_view deleted = " (deleted)"; path.ends_with(deleted))
        path.resize(path.size() - deleted.size());
    if (path.starts_with('/'))
        return path;
    const std::unique_ptr<char, decltype(&std::free)> real(::realpath(m.name.c_str(), nullptr),
                                                           &std::free);
    return real != nullptr ? real.get() : m.name;
}

} // namespace

std::string file_mapped_at(const void* address) {
    const auto at = reinterpret_cast<std::uintptr_t>(address);
    std::ifstream maps("/proc/self/maps");
    for (std::string line; std::getline(maps, line);) {
        std::uintptr_t start = 0;
        std::uintptr_t end = 0;
        int name = 0;
        if (std::sscanf(line.c_str(), "%" SCNxPTR "-%" SCNxPTR " %*s %*s %*s %*s %n", &start, &end,
                        &name) < 2 ||
            at < start || at >= end)
            continue;
        std::string path = line.substr(std::min(line.size(), static_cast<std::size_t>(name)));
        for (std::size_t i = 0; (i = path.find("\\012", i)) != std::string::npos; ++i)
            path.replace(i, 4, 1, '\n'); // the only character that the kernel escapes
        return path;
    }
    return {};
}

code_ref locate(const void* address) {
    auto& t = module_table::instance();
    const annotated_lock lock(t.mutex);
    if (const auto it = t.in_program.find(address); it != t.in_program.end())
        return it->second;
    const auto at = reinterpret_cast<std::uintptr_t>(address);
    if (const auto& p = program(); p.covers(at))
        return t.in_program.emplace(address, code_ref{p.identity, at - p.base, {}}).first->second;
    t.refresh();
    if (const auto it = t.located.find(address); it != t.located.end())
        return it->second;
    for (const auto& m : t.libraries) {
        if (m.covers(at))
            return t.located
                .emplace(address, code_ref{m.identity, at - m.base,
                                           *t.paths.insert(path_of(m, address)).first})
                .first->second;
    }
    throw std::invalid_argument(
        "the function does not belong to any loaded module, so a worker process cannot locate it");
}

const void* resolve(const code_ref& ref) {
    if (ref.path.empty()) {
        if (ref.module != program().identity)
            throw std::runtime_error("the worker process runs another program than its pool");
        return reinterpret_cast<const void*>(program().base + ref.offset);
    }
    auto& t = module_table::instance();
    std::string path(ref.path);
    std::string why;
    // Asked for a name that it knows, the loader returns what it has loaded under that name, even
    // if the file has been replaced. Under another spelling of the name it opens the file.
    for (int spellings = 0; spellings < 8; ++spellings) {
        {
            const annotated_lock lock(t.mutex);
            t.refresh();
            if (const auto* const m = t.find(ref.module))
                return reinterpret_cast<const void*>(m->base + ref.offset);
        }
        void* const library = ::dlopen(path.c_str(), RTLD_NOW);
        if (library == nullptr) {
            const char* const error = ::dlerror();
            why = error != nullptr ? error : "it cannot be loaded";
            break;
        }
        {
            const annotated_lock lock(t.mutex);
            t.refresh();
            if (const auto* const m = t.find(ref.module))
                return reinterpret_cast<const void*>(m->base + ref.offset);
        }
        ::dlclose(library);
        why = "the file is another build than the one that the pool's process has loaded";
        path.insert(path.rfind('/') + 1, "./");
    }
    throw std::runtime_error("the worker process cannot find the module '" + std::string(ref.path) +
                             "' that holds the function: " + why);
}

const void* find_data(std::uint64_t module, std::uint64_t offset, std::size_t size) {
    auto& t = module_table::instance();
    const annotated_lock lock(t.mutex);
    const module_info* m = &program();
    if (m->identity != module) {
        t.refresh();
        m = t.find(module);
    }
    if (m == nullptr)
        return nullptr;
    const std::uintptr_t at = m->base + offset;
    const auto holds = [=](const module_segment& s) { return !s.code && s.holds(at, size); };
    return std::any_of(m->segments.begin(), m->segments.end(), holds)
               ? reinterpret_cast<const void*>(at)
               : nullptr;
}

bool is_constant_data(const void* address, std::size_t size) {
    const auto at = reinterpret_cast<std::uintptr_t>(address);
    const auto holds = [=](const module_info& m) {
        return std::any_of(m.segments.begin(), m.segments.end(), [=](const module_segment& s) {
            return s.constant && s.holds(at, size);
        });
    };
    if (holds(program()))
        return true;
    auto& t = module_table::instance();
    const annotated_lock lock(t.mutex);
    t.refresh();
    return std::any_of(t.libraries.begin(), t.libraries.end(), holds);
}

std::uint64_t program_identity() { return program().identity; }

std::string program_file() {
    const auto& segments = program().segments;
    return segments.empty() ? std::string()
                            : file_mapped_at(reinterpret_cast<const void*>(segments[0].start));
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
