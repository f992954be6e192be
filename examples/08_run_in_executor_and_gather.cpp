// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
// Blocking calls from a coroutine, several at a time, in a pool of one's own.
// Python: `await asyncio.gather(*(loop.run_in_executor(pool, f, x) for x in xs))`.
#include <ferry/ferry.hpp>

#include <chrono>
#include <cstddef>
#include <iostream>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace asio = boost::asio;
using namespace std::chrono_literals;

namespace {

int stock_of(const std::string& item) {
    std::this_thread::sleep_for(50ms); // a database
    if (item == "wood")
        throw std::runtime_error("no such item");
    return static_cast<int>(item.size());
}

asio::awaitable<void> take_stock(ferry::thread_pool& pool) {
    // Two calls at the same time. An exception would cancel the other, and come out here.
    const auto [rope, tar] = co_await ferry::gather(ferry::run_in_executor(pool, stock_of, "rope"),
                                                    ferry::run_in_executor(pool, stock_of, "tar"));
    std::cout << "rope: " << rope << ", tar: " << tar << '\n';

    // Any number of them, and what went wrong beside what went well.
    const std::vector<std::string> items{"oakum", "wood", "sailcloth"};
    std::vector<asio::awaitable<int>> calls;
    for (const auto& item : items)
        calls.push_back(ferry::run_in_executor(pool, stock_of, item)); // starts when awaited
    const auto stocks = co_await ferry::gather(ferry::return_exceptions, std::move(calls));
    for (std::size_t i = 0; i < items.size(); ++i) {
        std::cout << items[i] << ": ";
        try {
            std::cout << stocks[i].value() << '\n';
        } catch (const std::runtime_error& e) {
            std::cout << e.what() << '\n';
        }
    }
}

} // namespace

int main() {
    ferry::thread_pool pool(4);
    ferry::run(take_stock(pool));
}
