// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include "parent_process.hpp"
#include "pool_socket.hpp"
#include "support/descriptor.hpp"
#include "wire.hpp"

namespace ferry::detail {

/// What a worker process gets from its pool before all else.
struct worker_hello {
    wire::channel* memory = nullptr; ///< shared with the pool; stays mapped until the end
    descriptor answered;             ///< wakes the pool's reader
    unsigned start_calls = 0;        ///< that follow, before it says whether it is ready
    parent_process parent;           ///< that of the pool
};

/// Waits for it. Ends the process if the pool has ended already or has sent something else.
worker_hello receive_hello(const pool_socket& socket);

} // namespace ferry::detail
