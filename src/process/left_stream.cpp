// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include "left_stream.hpp"

#include "signals_blocked.hpp"

#include <poll.h>
#include <pthread.h>
#include <thread>

namespace ferry::detail {

void keep_reading(descriptor stream) noexcept {
    const int file = stream.release();
    try {
        const signals_blocked quiet;
        std::thread([file] {
            pthread_setname_np(pthread_self(), "ferry-left");
            const descriptor mine(file);
            char text[4096];
            for (;;) {
                pollfd in{file, POLLIN, 0};
                if (::poll(&in, 1, -1) < 0)
                    continue;
                const ssize_t n = ::read(file, text, sizeof text);
                if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
                    return;
                if (n > 0 && ::write(STDERR_FILENO, text, static_cast<std::size_t>(n)) < 0)
                    continue; // nobody reads the standard error of this process either
            }
        }).detach();
    } catch (const std::exception&) {
        // The pipe stays open until this process ends: the programs that write to it would
        // otherwise be ended by SIGPIPE.
    }
}

} // namespace ferry::detail
