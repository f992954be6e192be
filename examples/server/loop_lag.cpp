// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include "loop_lag.hpp"

#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace asio = boost::asio;
using namespace std::chrono_literals;

namespace server {

asio::awaitable<void> loop_lag::run() {
    asio::steady_timer timer(co_await asio::this_coro::executor);
    for (;;) {
        timer.expires_after(20ms);
        co_await timer.async_wait(asio::use_awaitable);
        const auto late = std::chrono::steady_clock::now() - timer.expiry();
        ++measured_[ferry::histogram::bucket_of(late)];
    }
}

} // namespace server
