// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
// Threads or processes: the name of the class changes, and nothing else.
// Python: `ThreadPoolExecutor` and `ProcessPoolExecutor`.
#include <ferry/ferry.hpp>
#include <ferry/process.hpp>

#include <iostream>
#include <ranges>
#include <stdexcept>

#include <unistd.h>

namespace {

int collatz_steps(int n) {
    if (n < 1)
        throw std::invalid_argument("must be positive");
    int steps = 0;
    for (; n != 1; ++steps)
        n = n % 2 == 0 ? n / 2 : 3 * n + 1;
    return steps;
}

template <class Pool>
void use() {
    Pool pool(2);
    for (int steps : pool.map({.chunksize = 4}, collatz_steps, std::views::iota(20, 30)))
        std::cout << steps << ' ';

    try {
        pool.submit(collatz_steps, 0).result();
    } catch (const std::invalid_argument& e) { // the same type, also from another process
        std::cout << "| " << e.what();
    }

    const bool here = pool.submit([] { return ::getpid(); }).result() == ::getpid();
    std::cout << (here ? " | in this process\n" : " | in another process\n");
}

} // namespace

int main() {
    ferry::run_worker_if_spawned(); // worker processes are this program, started again
    use<ferry::thread_pool>();
    use<ferry::process_pool>();
}
