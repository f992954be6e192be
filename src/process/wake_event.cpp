// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include "wake_event.hpp"

#include <cerrno>
#include <cstdint>
#include <sys/eventfd.h>
#include <unistd.h>

namespace ferry::detail {

wake_event::wake_event()
    : event_(descriptor::checked(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), "eventfd")) {}

void wake_event::set() noexcept {
    if (set_.exchange(true))
        return;
    const std::uint64_t one = 1;
    while (::write(event_.get(), &one, sizeof one) < 0 && errno == EINTR) {
    }
}

void wake_event::clear() noexcept {
    std::uint64_t count = 0;
    static_cast<void>(::read(event_.get(), &count, sizeof count) < 0);
    set_.store(false);
}

} // namespace ferry::detail
