// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include "message.hpp"

#include <cstring>
#include <sys/socket.h>
#include <sys/uio.h>

namespace ferry::detail {

bool send_message(int socket, const wire::message& m, std::span<const int> files) noexcept {
    iovec part{const_cast<wire::message*>(&m), sizeof m};
    alignas(cmsghdr) char control[CMSG_SPACE(2 * sizeof(int))] = {};
    msghdr header{};
    header.msg_iov = &part;
    header.msg_iovlen = 1;
    if (!files.empty()) {
        header.msg_control = control;
        header.msg_controllen = CMSG_SPACE(files.size_bytes());
        cmsghdr* const c = CMSG_FIRSTHDR(&header);
        c->cmsg_level = SOL_SOCKET;
        c->cmsg_type = SCM_RIGHTS;
        c->cmsg_len = CMSG_LEN(files.size_bytes());
        std::memcpy(CMSG_DATA(c), files.data(), files.size_bytes());
    }
    ssize_t n = 0;
    do
        n = ::sendmsg(socket, &header, MSG_NOSIGNAL | MSG_DONTWAIT);
    while (n < 0 && errno == EINTR);
    return n == static_cast<ssize_t>(sizeof m);
}

bool is_passing(int error) noexcept {
    return error == EAGAIN || error == EWOULDBLOCK || error == ENOBUFS || error == ENOMEM ||
           error == ETOOMANYREFS;
}

namespace {

// Takes the descriptors out of a message, and closes those beyond two. Returns how many came.
std::size_t take_files(msghdr& header, std::array<descriptor, 2>& files) noexcept {
    std::size_t count = 0;
    for (cmsghdr* c = CMSG_FIRSTHDR(&header); c != nullptr; c = CMSG_NXTHDR(&header, c)) {
        if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
            continue;
        const std::size_t here = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (std::size_t i = 0; i < here; ++i) {
            int fd = -1;
            std::memcpy(&fd, CMSG_DATA(c) + i * sizeof fd, sizeof fd);
            descriptor received(fd);
            if (count < files.size())
                files[count] = std::move(received);
            ++count;
        }
    }
    return count;
}

} // namespace

reception receive_message(int socket, wire::message& m, std::array<descriptor, 2>& files,
                          bool wait) noexcept {
    constexpr std::size_t most_files = 253; // the kernel's limit for one message
    iovec part{&m, sizeof m};
    alignas(cmsghdr) char control[CMSG_SPACE(most_files * sizeof(int))] = {};
    msghdr header{};
    header.msg_iov = &part;
    header.msg_iovlen = 1;
    header.msg_control = control;
    header.msg_controllen = sizeof control;
    // The message is only peeked at: if it were taken while this process has no room for its
    // descriptors, they would be lost.
    const int how = MSG_CMSG_CLOEXEC | (wait ? 0 : MSG_DONTWAIT);
    ssize_t n = 0;
    do
        n = ::recvmsg(socket, &header, how | MSG_PEEK);
    while (n < 0 && errno == EINTR);
    if (n < 0 && is_passing(errno))
        return errno == EAGAIN ? reception::none : reception::is_short;
    if (n <= 0)
        return reception::ended;
    const std::size_t count = take_files(header, files);
    if ((header.msg_flags & MSG_CTRUNC) != 0 && count <= files.size()) {
        files = {};
        return reception::is_short;
    }
    const bool sound = n == static_cast<ssize_t>(sizeof m) && (header.msg_flags & MSG_TRUNC) == 0 &&
                       count <= files.size();
    wire::message same;
    while (::recv(socket, &same, sizeof same, MSG_DONTWAIT) < 0 && errno == EINTR) {
    }
    if (!sound)
        files = {};
    return sound ? reception::message : reception::malformed;
}

bool segment_announcer::announce(int socket, const segment& s) {
    auto& announced = announced_[s.id()];
    if (announced == s.capacity())
        return true;
    const int file = s.file();
    if (!send_message(socket, {wire::message::what::segment, s.id(), s.capacity()}, {&file, 1}))
        return false;
    announced = s.capacity();
    return true;
}

} // namespace ferry::detail
