// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
// A lookup that cannot outlast its limit.
#include <ferry/ferry.hpp>
#include <ferry/process.hpp>

#include <boost/asio/ip/tcp.hpp>

#include <chrono>
#include <iostream>

namespace asio = boost::asio;
using namespace std::chrono_literals;

namespace {

asio::awaitable<void> look_up() {
    const auto found = co_await ferry::resolve("127.0.0.1", "80", 5s);
    for (const auto& entry : found)
        std::cout << entry.endpoint() << '\n';
    try {
        co_await ferry::resolve("127.0.0.1", "80", 0s);
    } catch (const ferry::timeout_error&) {
        std::cout << "gave up in time\n";
    }
}

} // namespace

int main() {
    ferry::run_worker_if_spawned();
    ferry::run(look_up());
}
