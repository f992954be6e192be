// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <ferry/stats.hpp>

#include <boost/asio/awaitable.hpp>

#include <chrono>

namespace server {

/// Measures how late the event loop is: a timer that should fire 50 times a second, and the time by
/// which it does not. It grows as soon as a handler blocks.
class loop_lag {
public:
    /// Measures until the context stops.
    boost::asio::awaitable<void> run();

    const ferry::histogram& measured() const noexcept { return measured_; }

private:
    ferry::histogram measured_;
};

} // namespace server
