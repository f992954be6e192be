// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
// How many threads? Calls that wait need no processor, so more of them than there are processors.
// Python: `ThreadPoolExecutor()` has min(32, cpus + 4), `ProcessPoolExecutor()` as many as cpus.
// The environment variable FERRY_CPUS overrides the number of processors.
#include <ferry/ferry.hpp>

#include <chrono>
#include <cstddef>
#include <iostream>
#include <ranges>
#include <thread>

using namespace std::chrono_literals;

namespace {

int wait_for_a_server(int n) {
    std::this_thread::sleep_for(20ms);
    return n;
}

long time_of_24_waits(std::size_t workers) {
    const auto start = std::chrono::steady_clock::now();
    ferry::thread_pool pool(workers);
    for (int n : pool.map(wait_for_a_server, std::views::iota(0, 24)))
        static_cast<void>(n);
    return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() -
                                                                 start)
        .count();
}

} // namespace

int main() {
    const std::size_t io = ferry::io_bound_workers();
    const std::size_t cpu = ferry::cpu_bound_workers();
    std::cout << "io-bound: " << io << " workers, 24 waits in " << time_of_24_waits(io) << " ms\n"
              << "cpu-bound: " << cpu << " workers, 24 waits in " << time_of_24_waits(cpu)
              << " ms\n";

    ferry::thread_pool pool; // the default suits calls that wait
    std::cout << "default: at most " << pool.max_workers() << " workers, started "
              << pool.stats().workers;
    pool.submit([] {}).wait();
    std::cout << ", after a task " << pool.stats().workers << '\n';
}
