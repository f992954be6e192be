// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
// Results in the order of completion against results in the order of submission: how long the
// first one takes. Python: `concurrent.futures.as_completed(futures)`.
#include <ferry/ferry.hpp>

#include <chrono>
#include <iostream>
#include <thread>
#include <vector>

using namespace std::chrono_literals;
using clock_type = std::chrono::steady_clock;
using milliseconds = std::chrono::milliseconds;

namespace {

milliseconds fetch(milliseconds latency) {
    std::this_thread::sleep_for(latency); // a server that answers late
    return latency;
}

std::vector<ferry::future<milliseconds>> start_all(ferry::thread_pool& pool) {
    std::vector<ferry::future<milliseconds>> replies;
    for (auto latency : {250ms, 150ms, 80ms, 10ms})
        replies.push_back(pool.submit(fetch, latency));
    return replies;
}

/// Prints the results and how long after `start` the first one was there.
void report(const char* name, auto&& futures, clock_type::time_point start) {
    std::cout << name << ':';
    milliseconds first = -1ms;
    for (ferry::future<milliseconds> reply : futures) {
        const milliseconds latency = reply.result();
        if (first < 0ms)
            first = std::chrono::duration_cast<milliseconds>(clock_type::now() - start);
        std::cout << ' ' << latency.count();
    }
    std::cout << "; the first after " << first.count() << " ms\n";
}

} // namespace

int main() {
    ferry::thread_pool pool(4);
    auto start = clock_type::now();
    report("as submitted", start_all(pool), start);
    start = clock_type::now();
    report("as completed", ferry::as_completed(start_all(pool)), start);
}
