// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include "pool_listener.hpp"

#include "own_limits.hpp"
#include "signals_blocked.hpp"
#include "worker_exit.hpp"

#include <array>
#include <cerrno>
#include <chrono>
#include <exception>
#include <poll.h>
#include <thread>
#include <unistd.h>

namespace ferry::detail {
namespace {

constexpr std::chrono::milliseconds moment(10);

} // namespace

void pool_listener::start() {
    const signals_blocked quiet;
    std::thread([this] { listen(); }).detach();
}

void pool_listener::listen() {
    const int parent = parent_.handle();
    for (;;) {
        pollfd from[] = {{socket_.file(), POLLIN, 0}, {parent, POLLIN, 0}};
        // The socket does not report the end of a parent if another child of it keeps the other end
        // open. Without a handle of the parent its number is therefore compared from time to time.
        if (::poll(from, parent >= 0 ? 2 : 1, parent >= 0 ? -1 : 500) < 0 && errno != EINTR)
            give_up("its descriptors cannot be waited for");
        if (from[1].revents != 0 || (parent < 0 && parent_.has_ended()))
            ::_exit(0);
        if (from[0].revents == 0)
            continue;
        socket_.check();
        receive();
    }
}

void pool_listener::receive() {
    wire::message m;
    std::array<descriptor, 2> files;
    const reception got = [&] {
        const limits_lifted own;
        return receive_message(socket_.file(), m, files, false);
    }();
    switch (got) {
    case reception::message: handle(m, files[0]); break;
    case reception::none: break;
    case reception::is_short: std::this_thread::sleep_for(moment); break;
    default: ::_exit(0); // the pool is gone
    }
}

void pool_listener::handle(const wire::message& m, const descriptor& file) {
    using what = wire::message::what;
    if (m.kind == what::segment && file)
        add_segment(m, file);
    else if (m.kind == what::forget)
        arguments_.forget(m.id);
    else if (m.kind == what::stop)
        stops_.request(m.number);
}

void pool_listener::add_segment(const wire::message& m, const descriptor& file) {
    for (;;) {
        try {
            arguments_.add(m.id, file, m.number);
            return;
        } catch (const std::exception&) { // a shortage, which may pass
        }
        if (parent_.has_ended()) // nobody else watches the parent meanwhile
            ::_exit(0);
        std::this_thread::sleep_for(moment);
    }
}

} // namespace ferry::detail
