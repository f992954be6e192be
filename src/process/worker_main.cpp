// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
// Starts the worker in a process that a pool has started as one.
#include "worker_main.hpp"

#include <ferry/process/run_worker_if_spawned.hpp>

#include "worker_exit.hpp"
#include "worker_process.hpp"
#include "worker_signals.hpp"

#include <atomic>
#include <cstdlib>
#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

namespace ferry {
namespace detail {
namespace {

std::atomic<bool> entry_called{false};
std::atomic<bool> is_worker{false};

// Returns the socket to the pool if this process was started as a worker and the variable that says
// so is still set, else -1.
int socket_of_worker() noexcept {
    const char* const text = ::secure_getenv(wire::worker_variable);
    if (text == nullptr)
        return -1;
    const int fd = std::atoi(text);
    int type = 0;
    socklen_t size = sizeof type;
    if (::getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) != 0 || type != SOCK_SEQPACKET)
        return -1; // the variable was set for another purpose
    return fd;
}

void open_standard_streams() {
    for (int fd = 0; fd <= 2; ++fd) {
        if (::fcntl(fd, F_GETFD) < 0 && ::open("/dev/null", O_RDWR) != fd)
            ::_exit(wire::exit_protocol);
    }
}

} // namespace

bool worker_entry_was_called() noexcept { return entry_called.load(); }

int worker_depth() noexcept {
    const char* const text = ::secure_getenv(wire::depth_variable);
    return text != nullptr ? std::atoi(text) : 0;
}

} // namespace detail

bool is_worker_process() noexcept {
    using namespace detail;
    return entry_called.load() ? is_worker.load() : socket_of_worker() >= 0;
}

void run_worker_if_spawned() {
    using namespace detail;
    if (entry_called.load())
        return;
    const int fd = socket_of_worker();
    is_worker.store(fd >= 0);
    entry_called.store(true);
    if (::secure_getenv(wire::worker_variable) != nullptr)
        ::unsetenv(wire::worker_variable); // tasks may start programs, which are no workers
    if (fd < 0)
        return;
    open_standard_streams();
    ::prctl(PR_SET_NAME, program_invocation_short_name);
    note_standard_error();
    ::fcntl(fd, F_SETFD, FD_CLOEXEC);
    reset_signals();
    static auto* const socket = new pool_socket(descriptor(fd));
    static auto* const worker = new worker_process(*socket, receive_hello(*socket));
    worker->run();
}

} // namespace ferry
