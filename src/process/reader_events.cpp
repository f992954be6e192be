// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include "reader_events.hpp"

#include <sys/epoll.h>

namespace ferry::detail {

reader_events::reader_events()
    : epoll_(descriptor::checked(::epoll_create1(EPOLL_CLOEXEC), "epoll_create1")) {}

// Answers are edge-triggered, which saves reading the counter: a worker writes to its event only
// when the reader sleeps, so each write is a new edge.
void reader_events::watch(int file, std::uint32_t worker, source what) {
    epoll_event e{};
    e.events = what == source::answer ? EPOLLIN | EPOLLET : EPOLLIN;
    e.data.u64 = std::uint64_t(worker) << 8 | static_cast<std::uint64_t>(what);
    if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, file, &e) != 0)
        throw std::system_error(errno, std::generic_category(), "epoll_ctl");
}

void reader_events::forget(int file) noexcept {
    ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, file, nullptr);
}

std::span<const reader_events::event> reader_events::wait(int milliseconds) noexcept {
    epoll_event all[std::tuple_size_v<decltype(events_)>];
    const int n = ::epoll_wait(epoll_.get(), all, static_cast<int>(events_.size()), milliseconds);
    const std::size_t count = n > 0 ? static_cast<std::size_t>(n) : 0;
    for (std::size_t i = 0; i != count; ++i)
        events_[i] = {static_cast<source>(all[i].data.u64 & 0xff),
                      static_cast<std::uint32_t>(all[i].data.u64 >> 8)};
    return std::span(events_).first(count);
}

} // namespace ferry::detail
