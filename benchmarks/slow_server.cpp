// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
// The server of the fetcher's benchmark that takes its time: `GET /MILLISECONDS/...` is answered
// after that many milliseconds, by one thread that does nothing else. Prints its port on loopback
// and runs until it is killed.
#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <optional>
#include <queue>
#include <string_view>
#include <utility>
#include <vector>

namespace {

using clock_type = std::chrono::steady_clock;
constexpr std::string_view answer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}";

/// An answer that is due. That a descriptor is another connection's by then is told by its number.
struct due_answer {
    clock_type::time_point when;
    int fd;
    unsigned connection;
    bool operator>(const due_answer& other) const { return when > other.when; }
};

void check(bool good, const char* what) {
    if (good)
        return;
    std::perror(what);
    std::exit(1);
}

int listen_on_loopback() {
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    check(fd >= 0, "socket");
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    check(::bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0, "bind");
    check(::listen(fd, 20'000) == 0, "listen");
    socklen_t size = sizeof address;
    check(::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) == 0, "getsockname");
    std::printf("%d\n", ntohs(address.sin_port));
    std::fflush(stdout);
    return fd;
}

void raise_descriptor_limit() {
    rlimit limit{};
    check(::getrlimit(RLIMIT_NOFILE, &limit) == 0, "getrlimit");
    limit.rlim_cur = limit.rlim_max;
    check(::setrlimit(RLIMIT_NOFILE, &limit) == 0, "setrlimit");
}

/// The milliseconds that a request's head begins with.
std::optional<std::chrono::milliseconds> delay_of(std::string_view head) {
    const auto slash = head.find('/');
    if (slash == head.npos)
        return std::nullopt;
    unsigned value = 0;
    const auto [end, error] =
        std::from_chars(head.data() + slash + 1, head.data() + head.size(), value);
    if (error != std::errc())
        return std::nullopt;
    return std::chrono::milliseconds(value);
}

} // namespace

int main() {
    raise_descriptor_limit();
    const int listener = listen_on_loopback();
    const int events = ::epoll_create1(EPOLL_CLOEXEC);
    check(events >= 0, "epoll_create1");
    const auto watch = [&](int fd) {
        epoll_event event{};
        event.events = EPOLLIN;
        event.data.fd = fd;
        check(::epoll_ctl(events, EPOLL_CTL_ADD, fd, &event) == 0, "epoll_ctl");
    };
    watch(listener);
    std::priority_queue<due_answer, std::vector<due_answer>, std::greater<>> due;
    std::vector<unsigned> connections; // by descriptor: which connection it is
    unsigned count = 0;
    std::array<epoll_event, 256> ready{};
    std::array<char, 16 << 10> buffer{};
    for (;;) {
        timespec rest{};
        if (!due.empty()) {
            using std::chrono::nanoseconds;
            const auto left = std::max(due.top().when - clock_type::now(), clock_type::duration(0));
            rest = {static_cast<time_t>(left / std::chrono::seconds(1)),
                    static_cast<long>(nanoseconds(left % std::chrono::seconds(1)).count())};
        }
        const int n = ::epoll_pwait2(events, ready.data(), static_cast<int>(ready.size()),
                                     due.empty() ? nullptr : &rest, nullptr);
        check(n >= 0 || errno == EINTR, "epoll_pwait2");
        for (int i = 0; i < n; ++i) {
            const int fd = ready[static_cast<std::size_t>(i)].data.fd;
            if (fd == listener) {
                int accepted = 0;
                while ((accepted = ::accept4(fd, nullptr, nullptr, SOCK_CLOEXEC)) >= 0) {
                    if (connections.size() <= static_cast<std::size_t>(accepted))
                        connections.resize(static_cast<std::size_t>(accepted) + 1);
                    connections[static_cast<std::size_t>(accepted)] = ++count;
                    watch(accepted);
                }
                continue;
            }
            const auto size = ::recv(fd, buffer.data(), buffer.size(), MSG_DONTWAIT);
            const auto delay =
                size > 0 ? delay_of({buffer.data(), static_cast<std::size_t>(size)}) : std::nullopt;
            if (delay) {
                due.push(
                    {clock_type::now() + *delay, fd, connections[static_cast<std::size_t>(fd)]});
            } else {
                connections[static_cast<std::size_t>(fd)] = 0;
                ::close(fd);
            }
        }
        while (!due.empty() && due.top().when <= clock_type::now()) {
            const due_answer next = due.top();
            due.pop();
            if (connections[static_cast<std::size_t>(next.fd)] == next.connection)
                static_cast<void>(::send(next.fd, answer.data(), answer.size(), MSG_NOSIGNAL));
        }
    }
}
