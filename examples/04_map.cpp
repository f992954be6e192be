// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
// One function for all elements of a range, several at a time, the results in the order of the
// input. Python: `executor.map(f, *iterables, timeout=, chunksize=, buffersize=)`.
#include <ferry/ferry.hpp>

#include <chrono>
#include <functional>
#include <iostream>
#include <ranges>
#include <thread>
#include <vector>

using namespace std::chrono_literals;

namespace {

int square(int n) { return n * n; }

int slow_from_3_on(int n) {
    if (n >= 3)
        std::this_thread::sleep_for(500ms);
    return n;
}

} // namespace

int main() {
    ferry::thread_pool pool(4);

    for (int n : pool.map(square, std::vector{1, 2, 3, 4}))
        std::cout << n << ' ';
    std::cout << '\n';

    // Several ranges, read in step until the shortest ends.
    for (int n : pool.map(std::plus(), std::views::iota(1), std::vector{10, 20, 30}))
        std::cout << n << ' ';
    std::cout << '\n';

    // An endless input: never more than eight calls ahead of the reading.
    for (int n : pool.map({.buffersize = 8}, square, std::views::iota(1))) {
        if (n > 100)
            break; // what has not started is cancelled
        std::cout << n << ' ';
    }
    std::cout << '\n';

    // A chunk travels to a worker process as one message. Threads take its elements singly.
    for (int n : pool.map({.chunksize = 16}, square, std::vector{5, 6, 7}))
        std::cout << n << ' ';
    std::cout << '\n';

    try {
        for (int n : pool.map({.timeout = 250ms}, slow_from_3_on, std::views::iota(1, 100)))
            std::cout << n << ' '; // `*` throws where a call threw, or where the time is over
    } catch (const ferry::timeout_error& e) {
        std::cout << e.what() << '\n';
    }
}
