// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include <ferry/ferry.hpp>

#include <chrono>
#include <iostream>
#include <string>
#include <thread>

namespace asio = boost::asio;
using namespace std::chrono_literals;

std::string slow_lookup(std::string name) { // any function that blocks
    std::this_thread::sleep_for(100ms);
    return name + " is at berth 4";
}

asio::awaitable<void> ask() {
    auto [ferry, tug] = co_await ferry::gather(ferry::to_thread(slow_lookup, "the ferry"),
                                               ferry::to_thread(slow_lookup, "the tug"));
    std::cout << ferry << '\n' << tug << '\n'; // in the coroutine's own thread again
}

int main() { ferry::run(ask()); }
