// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include "worker_program.hpp"

#include "build_id.hpp"

#include <cstdlib>
#include <sstream>
#include <stdexcept>
#include <unistd.h>

namespace ferry::detail {
namespace {

bool can_be_run(const std::filesystem::path& file) {
    std::error_code none;
    return std::filesystem::is_regular_file(file, none) && ::access(file.c_str(), X_OK) == 0;
}

// Searches the folders of PATH, as a shell does. Returns the name itself if it is not found.
std::filesystem::path found(const std::filesystem::path& executable) {
    const char* const folders = std::getenv("PATH");
    if (executable.has_parent_path() || folders == nullptr)
        return executable;
    std::istringstream all(folders);
    for (std::string folder; std::getline(all, folder, ':');) {
        if (auto file = std::filesystem::path(folder) / executable; can_be_run(file))
            return file;
    }
    return executable;
}

} // namespace

worker_program::worker_program(const std::filesystem::path& executable,
                               std::vector<std::string> arguments)
    : identity_(program_identity()) {
    if (executable.empty()) {
        if (!arguments.empty())
            throw std::invalid_argument("process_pool_options::arguments are for an executable, "
                                        "and there is none");
        return;
    }
    // Absolute, because the current folder may change.
    file_ = std::filesystem::absolute(found(executable));
    if (!can_be_run(file_))
        throw std::invalid_argument("process_pool_options::executable: '" + executable.string() +
                                    "' is no program that can be run");
    arguments_.push_back(file_.string());
    for (auto& a : arguments)
        arguments_.push_back(std::move(a));
    const std::uint64_t build_id = build_id_of(elf_file(file_.string()));
    is_own_ = build_id != 0 && build_id == program_identity();
    identity_ = build_id;
}

void worker_program::check(const code_ref& code) const {
    if (!is_own_ && code.path.empty())
        throw std::invalid_argument(
            "the function lies in the executable file '" + program_file() +
            "', but the workers run '" + file_.string() +
            "': they can load shared libraries, and no function of another executable file");
}

} // namespace ferry::detail
