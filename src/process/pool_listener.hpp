// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include "argument_segments.hpp"
#include "message.hpp"
#include "parent_process.hpp"
#include "pool_socket.hpp"
#include "stop_requests.hpp"

#include <utility>

namespace ferry::detail {

/// A worker's listening thread: takes what comes over the socket, and ends the process when its
/// parent has ended.
class pool_listener {
public:
    /// They must live until the process ends.
    pool_listener(const pool_socket& socket, parent_process parent, argument_segments& arguments,
                  stop_requests& stops) noexcept
        : socket_(socket), parent_(std::move(parent)), arguments_(arguments), stops_(stops) {}

    /// Starts the thread, which uses this until the process ends. Errors: `std::system_error`.
    void start();

private:
    [[noreturn]] void listen();
    void receive();
    void handle(const wire::message& m, const descriptor& file);
    void add_segment(const wire::message& m, const descriptor& file);

    const pool_socket& socket_;
    const parent_process parent_;
    argument_segments& arguments_;
    stop_requests& stops_;
};

} // namespace ferry::detail
