// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include "socket_traffic.hpp"

#include <cstddef>

// The kernel's header, which has the counters, and the C library's cannot be included together.
#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/socket.h>

namespace ferry::detail::cluster {

std::optional<std::uint64_t> socket_traffic(int file) noexcept {
    tcp_info info{};
    socklen_t size = sizeof info;
    if (::getsockopt(file, IPPROTO_TCP, TCP_INFO, &info, &size) != 0 ||
        size < offsetof(tcp_info, tcpi_bytes_received) + sizeof info.tcpi_bytes_received)
        return std::nullopt;
    return info.tcpi_bytes_acked + info.tcpi_bytes_received;
}

} // namespace ferry::detail::cluster
