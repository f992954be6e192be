// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
// The README's code with worker processes, as it stands there.
#include <ferry/process.hpp>

#include <csignal>
#include <iostream>
#include <ranges>
#include <string>

using namespace std::chrono_literals;

namespace {

bool is_prime(int n) {
    for (int d = 2; d * d <= n; ++d) {
        if (n % d == 0)
            return false;
    }
    return n > 1;
}
void import(const std::string&) { ::raise(SIGKILL); }

} // namespace

int main() {
    ferry::run_worker_if_spawned(); // the workers are this program too
    ferry::process_pool pool;
    for (bool prime : pool.map({.chunksize = 64}, is_prime, std::views::iota(1, 1000)))
        std::cout << prime;
    try {
        pool.submit({.label = "import", .timeout = 2s}, import, "big.xml").result();
    } catch (const ferry::worker_died& e) {
        std::cout << e.what() << '\n'; // which task, which signal, its stderr
    }
}
