// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include "crash_report.hpp"

#include "build_id.hpp"

#include <ferry/process/detail/code.hpp>

#include <algorithm>
#include <array>
#include <cstring>
#include <new>
#include <utility>

namespace ferry::detail {
namespace {

// Returns the file of the module of this process with that build-id, or nothing if there is none.
std::string own_file(std::uint64_t build_id) {
    struct search {
        std::uint64_t wanted;
        bool is_program = true;
        std::string file;
    } s{build_id, true, {}};
    ::dl_iterate_phdr(
        [](dl_phdr_info* info, std::size_t, void* p) {
            auto& q = *static_cast<search*>(p);
            const bool is_program = std::exchange(q.is_program, false);
            if (build_id_hash(info->dlpi_addr, {info->dlpi_phdr, info->dlpi_phnum}) != q.wanted)
                return 0;
            try {
                q.file =
                    is_program || info->dlpi_name == nullptr ? program_file() : info->dlpi_name;
            } catch (const std::bad_alloc&) { // must not pass through the loader
            }
            return 1;
        },
        &s);
    return s.file;
}

struct module_in_use {
    std::uint32_t number = 0; // as in the record
    std::uint64_t build_id = 0;
    std::string name;
    std::vector<elf_file::request> requests = {}; // of its frames
};

module_in_use describe(const crash_record& record, std::uint32_t number) {
    const auto& m = record.modules[number - 1];
    std::array<char, crash_record::path_size> path{};
    std::memcpy(path.data(), m.path.data(), path.size() - 1);
    return {number, m.build_id, path.data()};
}

// Finds the names of the functions in the file. Returns false if its build-id is another one.
bool name_functions(const std::string& file, const module_in_use& of) {
    const elf_file elf(file);
    if (build_id_of(elf) != of.build_id)
        return false;
    elf.find_functions(of.requests);
    return true;
}

} // namespace

std::vector<stack_frame> frames_of(const crash_record& record, int signal, std::uint64_t task,
                                   const std::filesystem::path& executable) {
    std::vector<stack_frame> frames;
    if (record.signal.load() != static_cast<std::uint32_t>(signal) || record.task.load() != task)
        return frames;
    const auto count = std::min<std::size_t>(record.frame_count.load(), record.frames.size());
    frames.reserve(count); // the requests point to its elements
    std::vector<module_in_use> modules;
    for (std::size_t i = 0; i != count; ++i) {
        const crash_record::frame f = record.frames[i];
        auto& to = frames.emplace_back();
        to.offset = f.offset;
        if (f.module == 0 || f.module > record.modules.size())
            continue;
        auto at = std::find_if(modules.begin(), modules.end(),
                               [&f](const module_in_use& m) { return m.number == f.module; });
        if (at == modules.end())
            at = modules.insert(at, describe(record, f.module));
        to.module = at->name;
        at->requests.push_back({f.offset, &to.symbol});
    }
    for (const auto& m : modules) {
        if (m.build_id == 0)
            continue;
        const std::string own = own_file(m.build_id);
        if ((own.empty() || !name_functions(own, m)) && !executable.empty())
            name_functions(executable.string(), m);
    }
    return frames;
}

} // namespace ferry::detail
