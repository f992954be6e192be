// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include "memory_use.hpp"

#include "descriptor.hpp"

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include <fcntl.h>
#include <unistd.h>

namespace ferry::detail {
namespace {

// Reads a short file of the kernel's, and ends it with a zero. Allocates nothing.
template <std::size_t Size>
bool read_file(const char* path, std::array<char, Size>& text) noexcept {
    const int before = errno;
    const descriptor file(::open(path, O_RDONLY | O_CLOEXEC));
    std::size_t size = 0;
    for (ssize_t n = 1; file && n > 0 && size < Size - 1; size += static_cast<std::size_t>(n)) {
        n = ::read(file.get(), text.data() + size, Size - 1 - size);
        if (n < 0)
            n = 0;
    }
    text[size] = '\0';
    errno = before;
    return size != 0;
}

} // namespace

std::size_t resident_memory() noexcept {
    std::array<char, 128> text;
    if (!read_file("/proc/self/statm", text))
        return 0;
    char* end = nullptr;
    std::strtoull(text.data(), &end, 10); // all that is mapped
    return std::strtoull(end, nullptr, 10) * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
}

std::size_t peak_memory_of(int pid) noexcept {
    std::array<char, 32> path;
    std::snprintf(path.data(), path.size(), "/proc/%d/status", pid);
    std::array<char, 4096> text;
    if (!read_file(path.data(), text))
        return 0;
    const char* const line = std::strstr(text.data(), "\nVmHWM:");
    return line != nullptr ? std::strtoull(line + 7, nullptr, 10) * 1024 : 0;
}

} // namespace ferry::detail
