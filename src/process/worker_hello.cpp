// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include "worker_hello.hpp"

#include "message.hpp"
#include "worker_exit.hpp"

#include <array>
#include <chrono>
#include <cstdint>
#include <sys/mman.h>
#include <thread>
#include <unistd.h>
#include <utility>

namespace ferry::detail {

worker_hello receive_hello(const pool_socket& socket) {
    wire::message m;
    std::array<descriptor, 2> files;
    reception got{};
    while ((got = receive_message(socket.file(), m, files, true)) == reception::is_short)
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
    if (got != reception::message || m.kind != wire::message::what::hello || !files[0] || !files[1])
        ::_exit(wire::exit_protocol); // the pool has ended already
    parent_process parent;
    if (static_cast<std::uint64_t>(parent.pid()) != m.number || parent.has_ended())
        ::_exit(wire::exit_protocol);
    void* const at = ::mmap(nullptr, sizeof(wire::channel), PROT_READ | PROT_WRITE, MAP_SHARED,
                            files[0].get(), 0);
    if (at == MAP_FAILED)
        give_up("its channel cannot be mapped");
    return {static_cast<wire::channel*>(at), std::move(files[1]), m.id, std::move(parent)};
}

} // namespace ferry::detail
