// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include "target.hpp"

#include "support/descriptor.hpp"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <memory>
#include <sstream>
#include <utility>

#include <dirent.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

namespace ferry::detail {
namespace {

using recording::layout;

std::string proc(pid_t pid, const char* what) { return "/proc/" + std::to_string(pid) + what; }
std::string the_process(pid_t pid) { return "process " + std::to_string(pid); }

// Field 22 of /proc/PID/stat, counted behind the name, which may contain anything; 0 if it has
// ended.
std::uint64_t start_of(pid_t pid) {
    std::ifstream in(proc(pid, "/stat"));
    std::string text;
    std::getline(in, text);
    const auto end = text.rfind(')');
    if (end == std::string::npos)
        return 0;
    std::istringstream rest(text.substr(end + 1));
    std::string field;
    for (int i = 3; i <= 22 && rest >> field; ++i) {
        if (i == 3 && (field == "Z" || field == "X"))
            return 0;
    }
    return std::strtoull(field.c_str(), nullptr, 10);
}

// The number of the process, also where `pid` is that of one of its threads, as it sees that itself,
// in the innermost of the namespaces that it is in.
std::uint32_t own_number(pid_t pid) {
    std::ifstream in(proc(pid, "/status"));
    for (std::string line; std::getline(in, line);) {
        if (line.starts_with("NStgid:"))
            return static_cast<std::uint32_t>(
                std::strtoul(line.c_str() + line.find_last_of("\t ") + 1, nullptr, 10));
    }
    return static_cast<std::uint32_t>(pid);
}

[[noreturn]] void refuse(pid_t pid, int error) {
    if (error == ENOENT || error == ESRCH)
        throw cannot_look("there is no " + the_process(pid));
    if (error == EACCES || error == EPERM) {
        struct ::stat about{};
        const bool foreign =
            ::stat(proc(pid, "").c_str(), &about) == 0 && about.st_uid != ::geteuid();
        if (foreign && about.st_uid != 0)
            throw cannot_look(the_process(pid) + " belongs to another user (number " +
                              std::to_string(about.st_uid) + ")");
        throw cannot_look(
            the_process(pid) +
            " may not be looked into: it belongs to another user, or is not dumpable");
    }
    throw cannot_look(the_process(pid) + " cannot be looked into: " + std::strerror(error));
}

/// What the files with the name of a recording are.
struct findings {
    const layout* recording = nullptr;
    bool of_parent = false;          // inherited by fork()
    std::uint64_t other_version = 0; // of the layout; 0: none was seen
};

void examine(const std::string& path, std::uint32_t own, findings& found) {
    const descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    if (!file)
        return;
    const int fd = file.get();
    struct ::stat about{};
    const int seals = ::fcntl(fd, F_GET_SEALS);
    if (::fstat(fd, &about) != 0 || seals < 0 || (seals & F_SEAL_SHRINK) == 0)
        return; // it could shrink while it is read
    std::uint64_t magic = 0;
    std::uint32_t version = 0;
    if (::pread(fd, &magic, sizeof magic, offsetof(recording::header, magic_number)) !=
            sizeof magic ||
        ::pread(fd, &version, sizeof version, offsetof(recording::header, layout_version)) !=
            sizeof version ||
        magic != recording::magic)
        return;
    if (version != recording::version || about.st_size != sizeof(layout)) {
        found.other_version = version;
        return;
    }
    void* const p = ::mmap(nullptr, sizeof(layout), PROT_READ, MAP_SHARED, fd, 0);
    if (p == MAP_FAILED)
        throw cannot_look("there is no memory for the recording");
    const auto* const r = static_cast<const layout*>(p);
    if (found.recording == nullptr && r->head.pid.load() == own) {
        found.recording = r;
        return;
    }
    found.of_parent = true;
    ::munmap(p, sizeof(layout));
}

} // namespace

target::target(pid_t pid) : pid_(pid), started_(start_of(pid)) {
    const std::string folder = proc(pid, "/fd");
    const std::unique_ptr<DIR, int (*)(DIR*)> all(::opendir(folder.c_str()), &::closedir);
    if (all == nullptr) {
        const int error = errno;
        // Of a process that nobody has waited for, these belong to root.
        if (error != ENOENT && error != ESRCH && start_of(pid) == 0)
            throw cannot_look(the_process(pid) + " has ended");
        refuse(pid, error);
    }
    findings found;
    const std::uint32_t own = own_number(pid);
    while (const dirent* const entry = ::readdir(all.get())) {
        const std::string path = folder + '/' + entry->d_name;
        char link[64];
        const auto n = ::readlink(path.c_str(), link, sizeof link);
        if (n > 0 && std::string_view(link, static_cast<std::size_t>(n))
                         .starts_with(std::string("/memfd:") + recording::file_name + ' '))
            examine(path, own, found);
    }
    recording_ = found.recording;
    if (recording_ != nullptr)
        return;
    if (start_of(pid) == 0)
        throw cannot_look(the_process(pid) + " has ended");
    if (found.other_version != 0)
        throw cannot_look(the_process(pid) +
                          " uses another version of Ferry: its recording has version " +
                          std::to_string(found.other_version) + ", this program reads version " +
                          std::to_string(recording::version));
    throw cannot_look(the_process(pid) + (found.of_parent
                                              ? " is a copy by fork() and has no pool of its own"
                                              : " does not use Ferry, or has not made a pool yet"));
}

target::~target() {
    if (recording_ != nullptr)
        ::munmap(const_cast<layout*>(recording_), sizeof(layout));
}

bool target::lives() const { return started_ != 0 && start_of(pid_) == started_; }

picture target::look() {
    const auto now = static_cast<std::uint64_t>(
        std::chrono::nanoseconds(std::chrono::steady_clock::now().time_since_epoch()).count());
    return take_picture(*recording_, now,
                        [this](std::uint64_t address) { return name_of_function(address); });
}

void target::read_mappings() {
    std::ifstream in(proc(pid_, "/maps"));
    for (std::string line; std::getline(in, line);) {
        mapping m{};
        int path = 0;
        unsigned long long from = 0, to = 0, offset = 0;
        if (std::sscanf(line.c_str(), "%llx-%llx %*s %llx %*s %*s %n", &from, &to, &offset, &path) <
                3 ||
            path == 0 || line.size() <= static_cast<std::size_t>(path))
            continue;
        m.from = from;
        m.to = to;
        m.offset = offset;
        m.path = line.substr(static_cast<std::size_t>(path));
        mappings_.push_back(std::move(m));
    }
}

std::string target::name_of_function(std::uint64_t address) {
    const auto [known, fresh] = functions_.try_emplace(address);
    if (!fresh)
        return known->second;
    if (mappings_.empty())
        read_mappings();
    char text[32];
    std::snprintf(text, sizeof text, "0x%llx", static_cast<unsigned long long>(address));
    known->second = text;
    const auto m = std::ranges::find_if(
        mappings_, [&](const mapping& x) { return address >= x.from && address < x.to; });
    if (m == mappings_.end())
        return known->second;
    // As the process sees the file, which may be replaced by now, or lie in another mount
    // namespace.
    const bool is_program = [&] {
        char exe[4096];
        const auto n = ::readlink(proc(pid_, "/exe").c_str(), exe, sizeof exe);
        return n > 0 && m->path == std::string_view(exe, static_cast<std::size_t>(n));
    }();
    const std::string path = is_program ? proc(pid_, "/exe") : proc(pid_, "/root") + m->path;
    const auto& file = files_.try_emplace(path, path).first->second;
    const std::uint64_t in_file = address - m->from + m->offset;
    if (const auto virtual_address = file.address_at(in_file)) {
        std::string name;
        const elf_file::request request{*virtual_address, &name};
        file.find_functions({&request, 1});
        if (!name.empty())
            return known->second = std::move(name);
    }
    std::snprintf(text, sizeof text, "+0x%llx", static_cast<unsigned long long>(in_file));
    known->second = m->path.substr(m->path.rfind('/') + 1) + text;
    return known->second;
}

} // namespace ferry::detail
