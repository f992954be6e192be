// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
// A shutdown that ends in time, and says what it left behind. Python: `executor.shutdown()` waits
// forever for a call that hangs, and so does the end of the program.
#include <ferry/ferry.hpp>

#include <chrono>
#include <iostream>
#include <thread>

using namespace std::chrono_literals;

namespace {

void work_for(std::chrono::milliseconds time) { std::this_thread::sleep_for(time); }

} // namespace

int main() {
    ferry::thread_pool pool(2);
    const auto save = pool.submit({.label = "save"}, work_for, 40ms);
    const auto send = pool.submit({.label = "send to a dead host"}, work_for, 900ms);
    const auto print = pool.submit({.label = "print on a jammed printer"}, work_for, 900ms);
    const auto tidy = pool.submit({.label = "tidy up"}, work_for, 40ms);

    const ferry::shutdown_report report = pool.shutdown(250ms);
    std::cout << "finished: " << report.finished << ", dropped: " << report.dropped << '\n';
    for (const auto& task : report.stuck) {
        const auto age = std::chrono::duration_cast<std::chrono::milliseconds>(task.age);
        std::cout << task.label << ": stuck for " << age.count() << " ms\n";
    }
    std::cout << "save: " << save << "\ntidy up: " << tidy << '\n';

    try {
        pool.submit(work_for, 1ms);
    } catch (const ferry::shutdown_error& e) {
        std::cout << e.what() << '\n';
    }
} // the threads that are stuck keep nobody waiting
