// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include "boost_process.hpp"

#if __has_include(<boost/process/v2/src.hpp>)

#if defined(__GNUC__)
#pragma GCC diagnostic ignored "-Wunused-parameter"
#pragma GCC diagnostic ignored "-Wunused-variable"
#pragma GCC diagnostic ignored "-Wpedantic"
#pragma GCC diagnostic ignored "-Wextra"
#endif
#include <boost/process/v2/src.hpp>

#else

#include <boost/process/v2/error.hpp>
#include <boost/process/v2/posix/detail/close_handles.hpp>

#include <array>
#include <cerrno>
#include <charconv>
#include <cstddef>
#include <cstring>
#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace {

// These functions run in a child that still shares its parent's memory, so they do not allocate.

bool is_in(const std::vector<int>& numbers, int number) noexcept {
    for (const int n : numbers) {
        if (n == number)
            return true;
    }
    return false;
}

// Kernels before 5.9 cannot close a range, and filters for system calls may forbid it.
bool close_listed_but(const std::vector<int>& kept) noexcept {
    const int list = ::open("/proc/self/fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (list < 0)
        return false;
    // struct linux_dirent64: inode, offset, size of the record, type, name
    constexpr std::size_t size_at = 16;
    constexpr std::size_t name_at = 19;
    std::array<char, 4096> entries;
    long length = 0;
    while ((length = ::syscall(SYS_getdents64, list, entries.data(), entries.size())) > 0) {
        unsigned short size = 0;
        for (long at = 0; at < length; at += size) {
            const char* const entry = entries.data() + at;
            std::memcpy(&size, entry + size_at, sizeof size);
            const char* const name = entry + name_at;
            int number = -1;
            std::from_chars(name, name + std::strlen(name), number);
            if (number >= 0 && number != list && !is_in(kept, number))
                ::close(number);
        }
    }
    const int error = errno;
    ::close(list);
    errno = error;
    return length == 0;
}

bool close_between(unsigned first, unsigned last) noexcept {
    return first > last || ::syscall(SYS_close_range, first, last, 0) == 0;
}

// `kept` is in ascending order.
bool close_all_but(const std::vector<int>& kept) noexcept {
    unsigned first = 0;
    for (const int number : kept) {
        const auto next = static_cast<unsigned>(number);
        if (next > first && !close_between(first, next - 1))
            return close_listed_but(kept);
        first = next + 1;
    }
    return close_between(first, ~0U) || close_listed_but(kept);
}

} // namespace

// Weak, so that a program may also link the compiled library of Boost.Process.
BOOST_PROCESS_V2_BEGIN_NAMESPACE
namespace posix::detail {

[[gnu::weak]] void close_all(const std::vector<int>& whitelist, error_code& ec) {
    if (!close_all_but(whitelist))
        ec.assign(errno, system_category());
}

} // namespace posix::detail
namespace error {

// The headers refer to these two, which the launcher does not use.
[[gnu::weak]] const error_category& get_utf8_category() { return system_category(); }
[[gnu::weak]] const error_category& get_exit_code_category() { return system_category(); }

} // namespace error
BOOST_PROCESS_V2_END_NAMESPACE

#endif
