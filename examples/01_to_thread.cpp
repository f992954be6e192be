// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
// A coroutine reads a file, and its event loop goes on meanwhile.
// Python: `text = await asyncio.to_thread(read_file, path)`. Usage: 01_to_thread [PATH]
#include <ferry/ferry.hpp>

#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <chrono>
#include <fstream>
#include <iostream>
#include <iterator>
#include <stdexcept>
#include <string>
#include <thread>

namespace asio = boost::asio;
using namespace std::chrono_literals;

namespace {

std::string read_file(const std::string& path) {
    std::this_thread::sleep_for(60ms); // a slow disk
    std::ifstream file(path, std::ios::binary);
    if (!file)
        throw std::runtime_error("cannot open " + path);
    return {std::istreambuf_iterator<char>(file), {}};
}

asio::awaitable<void> print_size(std::string path, bool& done) {
    try {
        const std::string text = co_await ferry::to_thread(read_file, path);
        std::cout << "read " << text.size() << " bytes\n"; // in the loop's thread again
    } catch (const std::runtime_error& e) {
        std::cout << e.what() << '\n'; // thrown in the other thread
    }
    done = true;
}

asio::awaitable<int> count_ticks(const bool& done) {
    asio::steady_timer timer(co_await asio::this_coro::executor);
    int ticks = 0;
    while (!done) {
        timer.expires_after(5ms);
        co_await timer.async_wait(asio::use_awaitable);
        ++ticks;
    }
    co_return ticks;
}

asio::awaitable<void> read_and_tick(std::string path) {
    bool done = false; // no lock: both coroutines run in the loop's thread
    const auto [none, ticks] = co_await ferry::gather(print_size(path, done), count_ticks(done));
    std::cout << "the loop ticked " << ticks << " times meanwhile\n";
}

} // namespace

int main(int argc, char** argv) { ferry::run(read_and_tick(argc > 1 ? argv[1] : argv[0])); }
