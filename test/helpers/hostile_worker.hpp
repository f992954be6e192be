// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include "worker_channel.hpp"

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>

#include <sys/socket.h>

// What a task does in order to say what no worker says.

/// The slot and the number of the task that this worker runs.
struct own_task {
    std::uint16_t slot = 0;
    std::uint64_t number = 0;
};
inline own_task my_task() {
    namespace wire = ferry::detail::wire;
    const auto& slots = my_channel().slots;
    const auto* const words = reinterpret_cast<const volatile std::uint64_t*>(slots.data());
    for (std::uint16_t i = 0; i != wire::slot_count; ++i) {
        const std::uint64_t word = words[i];
        if (word % 8 == static_cast<std::uint64_t>(wire::slot_state::claimed))
            return {i, word / 8};
    }
    return {};
}

/// Sends a frame of its own before its answer.
inline int send_frame(ferry::detail::wire::frame_header header, std::string body) {
    namespace wire = ferry::detail::wire;
    wire::channel& c = my_channel();
    std::uint64_t at = c.answers.written.load();
    std::memcpy(c.answer_bytes.data() + at % wire::ring_size, &header, sizeof header);
    std::memcpy(c.answer_bytes.data() + at % wire::ring_size + sizeof header, body.data(),
                body.size());
    c.answers.written.store(at + sizeof header + (body.size() + 15) / 16 * 16);
    return 1;
}

std::string bytes_of(const auto& value) {
    return {reinterpret_cast<const char*>(&value), sizeof value};
}

/// The descriptor of its socket.
inline int my_socket() {
    for (int fd = 3; fd < 100; ++fd) {
        int type = 0;
        socklen_t size = sizeof type;
        if (::getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) == 0 && type == SOCK_SEQPACKET)
            return fd;
    }
    return -1;
}
