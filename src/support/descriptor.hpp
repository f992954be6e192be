// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <cerrno>
#include <fcntl.h>
#include <system_error>
#include <unistd.h>
#include <utility>

namespace ferry::detail {

/// Owns a file descriptor.
class descriptor {
public:
    descriptor() noexcept = default;
    explicit descriptor(int fd) noexcept : fd_(fd) {}
    descriptor(descriptor&& o) noexcept : fd_(std::exchange(o.fd_, -1)) {}
    descriptor& operator=(descriptor&& o) noexcept {
        std::swap(fd_, o.fd_);
        return *this;
    }
    ~descriptor() { reset(); }

    int get() const noexcept { return fd_; }
    explicit operator bool() const noexcept { return fd_ >= 0; }
    int release() noexcept { return std::exchange(fd_, -1); }
    void reset() noexcept {
        if (fd_ >= 0)
            ::close(std::exchange(fd_, -1));
    }

    /// The result of a call that gives a new descriptor, moved out of the way of the standard
    /// three, which may be closed. Errors: `std::system_error` that names the call.
    static descriptor checked(int fd, const char* call) {
        if (fd >= 0 && fd <= 2) {
            const descriptor low(fd);
            fd = ::fcntl(fd, F_DUPFD_CLOEXEC, 3);
        }
        if (fd < 0)
            throw std::system_error(errno, std::generic_category(), call);
        return descriptor(fd);
    }

private:
    int fd_ = -1;
};

} // namespace ferry::detail
