// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <cstddef>

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

/// Lets the process open no more than that many files for as long as it lives.
class file_limit {
public:
    explicit file_limit(std::size_t most) {
        ::getrlimit(RLIMIT_NOFILE, &before_);
        const rlimit now{most, before_.rlim_max};
        ::setrlimit(RLIMIT_NOFILE, &now);
    }
    ~file_limit() { ::setrlimit(RLIMIT_NOFILE, &before_); }
    file_limit(const file_limit&) = delete;
    file_limit& operator=(const file_limit&) = delete;

private:
    rlimit before_{};
};

/// While it lives, this process can have no more descriptors. Nothing is to be asserted meanwhile.
class no_descriptors {
    static std::size_t lowest_free() {
        const int lowest = ::fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 0);
        ::close(lowest);
        return static_cast<std::size_t>(lowest);
    }
    file_limit limit_{lowest_free()};
};
