// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
// Three limits: for the run of a task, for its time in the queue, and for the patience of who
// waits. Python: only the last, `future.result(timeout)`.
#include <ferry/ferry.hpp>

#include <chrono>
#include <condition_variable>
#include <iostream>
#include <mutex>
#include <stop_token>
#include <string>
#include <thread>

using namespace std::chrono_literals;

namespace {

/// Ends early when it is asked to stop; the pool passes the token because the function takes one.
std::string slow_query(std::stop_token stop) {
    std::mutex mutex;
    std::unique_lock lock(mutex);
    std::condition_variable_any never;
    never.wait_for(lock, stop, 10s, [] { return false; });
    return stop.stop_requested() ? "stopped" : "rows";
}

std::string quick_query() {
    std::this_thread::sleep_for(150ms);
    return "rows";
}

void print(const ferry::future<std::string>& f, ferry::timeout patience = {}) {
    try {
        std::cout << f.result(patience) << '\n';
    } catch (const ferry::timeout_error& e) {
        std::cout << e.what() << '\n';
    }
}

} // namespace

int main() {
    ferry::thread_pool pool(1);

    const auto slow = pool.submit({.label = "slow", .timeout = 150ms}, slow_query);
    // Behind it, and worth nothing later than in 20 ms: it never runs.
    const auto soon = std::chrono::steady_clock::now() + 20ms;
    const auto queued = pool.submit({.label = "queued", .start_by = soon}, quick_query);
    print(queued);
    print(slow);

    // Who waits may give up: the task goes on, and may be asked again.
    const auto quick = pool.submit({.label = "quick"}, quick_query);
    print(quick, 20ms);
    print(quick);
}
