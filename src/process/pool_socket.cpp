// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include "pool_socket.hpp"

#include "message.hpp"
#include "worker_exit.hpp"

#include <chrono>
#include <thread>
#include <unistd.h>

namespace ferry::detail {

void pool_socket::check() const {
    if (!identity_.is(socket_.get()))
        give_up("its socket is not there: did a task close it?");
}

void pool_socket::wait_to_send(int error) const {
    check();
    if (!is_passing(error))
        ::_exit(0); // the pool is gone
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
}

} // namespace ferry::detail
