// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include "waking.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <poll.h>
#include <random>
#include <sys/eventfd.h>
#include <system_error>
#include <unistd.h>

namespace ferry::detail::cluster {
namespace {

using clock = std::chrono::steady_clock;

} // namespace

wake_up::wake_up() : file_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
    if (file_ < 0)
        throw std::system_error(errno, std::generic_category(), "eventfd");
}
wake_up::~wake_up() { ::close(file_); }

void wake_up::signal() noexcept {
    if (signalled_.exchange(true))
        return;
    const std::uint64_t one = 1;
    while (::write(file_, &one, sizeof one) < 0 && errno == EINTR) {
    }
}

// Before looking at what it was signalled for.
void wake_up::clear() noexcept {
    std::uint64_t count = 0;
    static_cast<void>(!::read(file_, &count, sizeof count));
    signalled_.store(false);
}

void wake_up::wait_until(clock::time_point until) noexcept {
    pollfd from{file_, POLLIN, 0};
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - clock::now());
    ::poll(&from, 1, static_cast<int>(std::clamp<std::int64_t>(left.count(), 0, 3600000)));
}

reconnect_delay::reconnect_delay(std::chrono::nanoseconds beat)
    : most_(std::clamp(std::chrono::duration_cast<std::chrono::milliseconds>(beat / 2),
                       std::chrono::milliseconds(50), std::chrono::milliseconds(5000))) {}

std::chrono::milliseconds reconnect_delay::next() {
    static thread_local std::minstd_rand random(std::random_device{}());
    const std::int64_t most =
        std::min<std::int64_t>(most_.count(), std::int64_t(50) << std::min(failures_, 7U));
    ++failures_;
    return std::chrono::milliseconds(most / 2 +
                                     static_cast<std::int64_t>(random() % (most / 2 + 1)));
}

} // namespace ferry::detail::cluster
