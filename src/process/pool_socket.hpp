// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include "descriptor_identity.hpp"
#include "support/descriptor.hpp"

#include <utility>

namespace ferry::detail {

/// A worker's end of the socket to its pool. A task may have closed it: what has its number then
/// belongs to the task and gets nothing, so the worker ends when it finds that, as it does when it
/// finds that the pool has gone. Constant; both threads of a worker use it.
class pool_socket {
public:
    explicit pool_socket(descriptor socket) noexcept
        : socket_(std::move(socket)), identity_(socket_.get()) {}

    int file() const noexcept { return socket_.get(); }
    /// Ends the process if the socket is not there any more.
    void check() const;
    /// After a sending that failed with that `errno`: waits a moment before the next attempt. Ends
    /// the process if none can succeed.
    void wait_to_send(int error) const;

private:
    const descriptor socket_;
    const descriptor_identity identity_;
};

} // namespace ferry::detail
