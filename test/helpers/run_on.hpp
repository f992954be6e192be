// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include <exception>
#include <utility>

/// Runs the coroutine on the context; rethrows what it throws.
template <class F>
void run_on(boost::asio::io_context& io, F body) {
    std::exception_ptr error;
    boost::asio::co_spawn(io, std::move(body), [&](std::exception_ptr e) { error = e; });
    io.run();
    if (error)
        std::rethrow_exception(error);
}
