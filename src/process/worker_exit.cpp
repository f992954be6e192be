// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include "worker_exit.hpp"

#include "descriptor_identity.hpp"
#include "wire.hpp"

#include <cstdio>
#include <iostream>
#include <unistd.h>

namespace ferry::detail {
namespace {

descriptor_identity standard_error;

} // namespace

void note_standard_error() noexcept { standard_error = descriptor_identity(STDERR_FILENO); }

void leave(int code) {
    std::cout.flush();
    std::cerr.flush();
    std::clog.flush();
    std::fflush(nullptr);
    ::_exit(code);
}

void give_up(const char* why) {
    if (standard_error.is(STDERR_FILENO))
        std::fprintf(stderr, "ferry: a worker process ends: %s\n", why);
    ::_exit(wire::exit_protocol);
}

} // namespace ferry::detail
