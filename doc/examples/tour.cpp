// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
// The five steps of the tour.
#include <ferry/ferry.hpp>

#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <chrono>
#include <future>
#include <iostream>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace asio = boost::asio;
using namespace std::chrono_literals;

namespace {

std::string load(const std::string& name) {
    std::this_thread::sleep_for(100ms); // a disk, a database, a library that blocks
    if (name == "charts")
        throw std::runtime_error("no charts on board");
    return "the " + name;
}

void step_1() {
    ferry::thread_pool pool(4);
    ferry::future<std::string> f = pool.submit(load, "timetable");
    std::cout << f.result() << '\n'; // waits
}

void step_2() {
    ferry::thread_pool pool(4);
    for (const std::string& text : pool.map(load, std::vector<std::string>{"crew", "cargo"}))
        std::cout << text << '\n'; // in the order of the input
}

asio::awaitable<void> step_3(ferry::thread_pool& pool) {
    std::string text = co_await ferry::run_in_executor(pool, load, "weather");
    std::cout << text << '\n'; // in the loop's thread; it served others meanwhile
}

asio::awaitable<void> step_4(ferry::thread_pool& pool) {
    try {
        co_await ferry::gather(ferry::run_in_executor(pool, load, "tickets"),
                               ferry::run_in_executor(pool, load, "charts"));
    } catch (const std::runtime_error& e) { // thrown in a worker, caught here
        std::cout << e.what() << '\n';
    }
}

asio::awaitable<void> step_5(ferry::thread_pool& pool) {
    std::promise<void> turn;
    const auto tide = [turned = turn.get_future().share()] { turned.wait(); };
    try {
        co_await ferry::wait_for(ferry::run_in_executor(pool, tide), 10ms);
    } catch (const ferry::timeout_error&) {
        std::cout << "the tide waits for nobody\n";
    }
    turn.set_value(); // the call was left alone, not stopped
}

} // namespace

int main() {
    step_1();
    step_2();
    ferry::thread_pool pool(4);
    ferry::run(step_3(pool));
    ferry::run(step_4(pool));
    ferry::run(step_5(pool));
}
