// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include "worker_stderr.hpp"

#include <climits>
#include <new>

#include <poll.h>

namespace ferry::detail {

worker_stderr::state worker_stderr::read(bool last) noexcept {
    char text[PIPE_BUF]; // if poll() reports POLLOUT, so much can be written without blocking
    for (int rounds = 0; rounds < 64; ++rounds) {
        pollfd out{STDERR_FILENO, POLLOUT, 0};
        if (::poll(&out, 1, 0) == 0 && !last)
            return state::blocked;
        const ssize_t n = ::read(pipe_.get(), text, sizeof text);
        if (n <= 0)
            return n < 0 && (errno == EAGAIN || errno == EINTR) ? state::open : state::ended;
        const auto size = static_cast<std::size_t>(n);
        if ((out.revents & POLLOUT) != 0) {
            // If that fails, the text is kept here all the same.
            [[maybe_unused]] const ssize_t written = ::write(STDERR_FILENO, text, size);
        }
        keep({text, size});
    }
    return state::open;
}

void worker_stderr::keep(std::string_view text) noexcept {
    try {
        tail_.append(text);
    } catch (const std::bad_alloc&) {
        return; // it was passed on, which matters more
    }
    if (tail_.size() > most_kept)
        tail_.erase(0, tail_.size() - most_kept);
}

} // namespace ferry::detail
