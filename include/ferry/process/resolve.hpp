// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <ferry/config.hpp>
#include <ferry/timeout.hpp>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>

#include <string>

namespace ferry {

/// Resolves a host and a service to endpoints by the system's resolver, and gives up when `limit`
/// has passed since the call.
///
/// The system's resolver blocks, cannot be interrupted, and takes tens of seconds if a name
/// server does not answer. Here it runs in a pool of its own of at most 16 worker processes, which
/// are ended when a lookup takes too long: such a server costs neither a thread nor a worker of the
/// program's own pools. Idle workers end after half a minute. Lookups beyond 16 at a time wait
/// their turn, and their limit counts meanwhile.
///
/// @param host     name or address
/// @param service  name or number of a port; may be empty
/// @param limit    time from the call after which the lookup is given up
///
/// @par Preconditions
/// `main` begins with `run_worker_if_spawned()`.
///
/// @par Executor
/// The coroutine resumes on its own executor or strand.
///
/// @par Cancellation
/// All types: the coroutine resumes with `cancelled_error`.
///
/// @par Blocking
/// Never.
///
/// @par Errors
/// `timeout_error`; those of `asio::ip::tcp::resolver`, as `boost::system::system_error`, such as
/// `asio::error::host_not_found`; `std::logic_error` if `main` does not call
/// `run_worker_if_spawned`; `worker_died` if the worker died. All are thrown when the awaitable is
/// awaited.
///
/// @par Thread safety
/// Safe.
///
/// @par See also
/// asyncio's `loop.getaddrinfo`, which takes a thread.
FERRY_DECL boost::asio::awaitable<boost::asio::ip::tcp::resolver::results_type>
resolve(std::string host, std::string service, timeout limit = {});

} // namespace ferry
