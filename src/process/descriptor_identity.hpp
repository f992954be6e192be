// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <sys/stat.h>

namespace ferry::detail {

/// What a descriptor was at the start: a task may have closed it, and opened something of its own,
/// which has that number now and must get nothing of ours.
class descriptor_identity {
public:
    descriptor_identity() = default;
    explicit descriptor_identity(int fd) noexcept {
        if (struct ::stat s{}; ::fstat(fd, &s) == 0) {
            device_ = s.st_dev;
            node_ = s.st_ino;
        }
    }
    bool is(int fd) const noexcept {
        struct ::stat s{};
        return ::fstat(fd, &s) == 0 && s.st_dev == device_ && s.st_ino == node_;
    }

private:
    dev_t device_{};
    ino_t node_{};
};

} // namespace ferry::detail
