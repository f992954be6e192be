// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include "program.hpp"

#include <ferry/process/detail/code.hpp>

#include "support/descriptor.hpp"

#include <cerrno>
#include <cstdlib>
#include <fstream>
#include <memory>
#include <stdexcept>
#include <string_view>
#include <sys/auxv.h>
#include <sys/stat.h>
#include <unistd.h>

namespace ferry::detail {
namespace {

constexpr const char* own_link = "/proc/self/exe";

std::string target_of_own_link() {
    std::string target(4096, '\0');
    const ssize_t n = ::readlink(own_link, target.data(), target.size());
    target.resize(n > 0 ? static_cast<std::size_t>(n) : 0);
    return target;
}

// Whether the path still leads to the file from which this process was started.
bool is_what_was_started(const std::string& path) {
    const descriptor own(::open(own_link, O_RDONLY | O_CLOEXEC));
    struct stat started{};
    struct stat now{};
    return own && ::fstat(own.get(), &started) == 0 && ::stat(path.c_str(), &now) == 0 &&
           started.st_dev == now.st_dev && started.st_ino == now.st_ino;
}

std::vector<std::string> command_line() {
    std::ifstream file("/proc/self/cmdline");
    std::vector<std::string> all;
    for (std::string one; std::getline(file, one, '\0');)
        all.push_back(one);
    return all;
}

// If the program was started as "ld.so [OPTION...] PROGRAM ...", a worker needs the same options.
std::vector<std::string> loader_options() {
    std::vector<std::string> options;
    const auto all = command_line();
    for (std::size_t i = 1; i < all.size() && all[i].starts_with("--"); ++i) {
        const bool alone = all[i] == "--inhibit-cache" || all[i].find('=') != std::string::npos;
        const bool name = all[i] == "--argv0";
        if (!name)
            options.push_back(all[i]);
        if (!alone && ++i < all.size() && !name)
            options.push_back(all[i]);
    }
    return options;
}

// Returns the file by whose name this program was started. It may be another program now; a worker
// reports its identity when it is ready, and the pool compares it.
std::string without_proc() {
    const auto* const given = reinterpret_cast<const char*>(::getauxval(AT_EXECFN));
    std::string file = given != nullptr ? given : "";
    // If the kernel loaded no interpreter, the file that it started may be the interpreter.
    if (const std::string name = program_invocation_name;
        ::getauxval(AT_BASE) == 0 && name.find('/') != std::string::npos)
        file = name;
    const std::unique_ptr<char, decltype(&std::free)> real(::realpath(file.c_str(), nullptr),
                                                           &std::free);
    if (real == nullptr || ::access(real.get(), X_OK) != 0)
        throw std::runtime_error(std::string("starting a worker process: ") + own_link +
                                 " cannot be read (is /proc mounted?), and there is no program '" +
                                 file + "', as which this one was started");
    return real.get();
}

} // namespace

program_start start_of_this_program() {
    const char* const called = program_invocation_name;
    const std::string name = called != nullptr && *called != '\0' ? called : "ferry-worker";
    const std::string started = target_of_own_link();
    if (started.empty())
        return {without_proc(), {name}};
    const std::string file = program_file();
    // The dynamic loader was started, with this program as its argument.
    if (!file.empty() && file != started && file.starts_with('/')) {
        program_start s{own_link, {name, "--argv0", name}};
        for (auto& option : loader_options())
            s.arguments.push_back(std::move(option));
        s.arguments.push_back(file);
        return s;
    }
    // The real path is preferred to the link: the kernel names the process after it, and under a
    // tool that emulates the processor, such as valgrind, the link leads to the tool.
    return {is_what_was_started(started) ? started : own_link, {name}};
}

bool is_privileged() noexcept { return ::getauxval(AT_SECURE) != 0; }

} // namespace ferry::detail
