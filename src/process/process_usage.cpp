// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include "process_usage.hpp"

#include "support/descriptor.hpp"

#include <array>
#include <charconv>
#include <cstdio>
#include <ctime>
#include <span>

namespace ferry::detail {
namespace {

// Finds the line that begins with the name, and returns its number of kilobytes as bytes.
std::optional<std::uint64_t> find(std::string_view status, std::string_view name) noexcept {
    for (std::size_t at = 0; (at = status.find(name, at)) != std::string_view::npos; ++at) {
        if (at != 0 && status[at - 1] != '\n')
            continue;
        std::string_view rest = status.substr(at + name.size());
        rest.remove_prefix(std::min(rest.find_first_not_of(" \t"), rest.size()));
        std::uint64_t kilobytes = 0;
        if (std::from_chars(rest.data(), rest.data() + rest.size(), kilobytes).ec != std::errc())
            return std::nullopt;
        return kilobytes << 10;
    }
    return std::nullopt;
}

// Reads a short file of the kernel. Returns an empty text if that fails.
std::string_view read_file(const char* path, std::span<char> room) noexcept {
    const descriptor file(::open(path, O_RDONLY | O_CLOEXEC));
    const ssize_t n = file ? ::read(file.get(), room.data(), room.size()) : -1;
    return {room.data(), n > 0 ? static_cast<std::size_t>(n) : 0};
}

} // namespace

std::optional<memory_use> parse_status(std::string_view status) noexcept {
    const auto resident = find(status, "VmRSS:");
    if (!resident)
        return std::nullopt;
    memory_use m;
    m.resident = *resident;
    m.peak = find(status, "VmHWM:").value_or(*resident);
    // Older kernels do not report anonymous memory.
    m.anonymous =
        find(status, "RssAnon:").value_or(*resident) + find(status, "VmSwap:").value_or(0);
    return m;
}

std::optional<memory_use> memory_of(int pid) noexcept {
    std::array<char, 32> path{};
    std::snprintf(path.data(), path.size(), "/proc/%d/status", pid);
    std::array<char, 4096> room;
    return parse_status(read_file(path.data(), room));
}

std::size_t resident_memory() noexcept {
    std::array<char, 128> room;
    std::string_view text = read_file("/proc/self/statm", room);
    text.remove_prefix(std::min(text.find(' ') + 1, text.size())); // the mapped size precedes
    std::size_t pages = 0;
    std::from_chars(text.data(), text.data() + text.size(), pages);
    return pages * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
}

std::optional<std::chrono::nanoseconds> cpu_time_of(int pid) noexcept {
    clockid_t clock{};
    timespec t{};
    if (::clock_getcpuclockid(pid, &clock) != 0 || ::clock_gettime(clock, &t) != 0)
        return std::nullopt;
    return std::chrono::seconds(t.tv_sec) + std::chrono::nanoseconds(t.tv_nsec);
}

} // namespace ferry::detail
