// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
// What has not started never runs; what runs is asked to stop, and can look whether it was.
// Python: `future.cancel()`, which can do nothing about a task that runs.
#include <ferry/ferry.hpp>

#include <chrono>
#include <iostream>
#include <latch>
#include <stop_token>
#include <thread>

namespace asio = boost::asio;
using namespace std::chrono_literals;

namespace {

/// The pool passes a stop token because the function takes one.
int work(std::stop_token stop) {
    int pieces = 0;
    while (!stop.stop_requested() && pieces < 1000) {
        std::this_thread::sleep_for(1ms); // a piece of work
        ++pieces;
    }
    return pieces;
}

asio::awaitable<void> work_for_a_while(ferry::thread_pool& pool) {
    // A coroutine that gives up asks too, waits until the call has ended, and takes its value.
    const int pieces = co_await ferry::wait_for(ferry::run_in_executor(pool, work), 100ms);
    std::cout << "wait_for: stopped early " << (pieces < 1000) << '\n';
}

} // namespace

int main() {
    std::cout << std::boolalpha;
    ferry::thread_pool pool(1);

    std::latch started(1);
    const auto work_until_asked = [&started](std::stop_token stop) {
        started.count_down();
        return work(stop);
    };
    ferry::future<int> running = pool.submit(work_until_asked);
    ferry::future<int> queued = pool.submit(work);
    started.wait();

    std::cout << "queued: cancel " << queued.cancel() << ", " << queued << '\n';
    std::cout << "running: cancel " << running.cancel() << ", " << running << '\n';
    std::cout << "running: request_stop " << running.request_stop();
    std::cout << ", stopped early " << (running.result() < 1000) << '\n';

    ferry::run(work_for_a_while(pool));
}
