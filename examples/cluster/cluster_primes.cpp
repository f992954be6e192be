// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
//
// The calls of examples/primes.cpp on other machines. The same program is the worker host:
//
//     cluster_primes serve URL PASSWORD_FILE CA_FILE [WORKERS]    on every machine
//     cluster_primes run URL PASSWORD_FILE CA_FILE [CHUNKS]       counts primes, with a bar
//
// tools/cluster-demo starts a broker and two hosts on this machine and runs it.

#include <ferry/cluster.hpp>

#include <chrono>
#include <cstdlib>
#include <iostream>
#include <string>
#include <string_view>
#include <vector>

using namespace std::chrono_literals;
using namespace std::string_view_literals;

namespace {

constexpr int chunk = 20000;

// The number of primes in [n * chunk, (n + 1) * chunk).
int primes_in_chunk(int n) {
    int count = 0;
    for (int x = std::max(2, n * chunk); x < (n + 1) * chunk; ++x) {
        bool prime = true;
        for (int d = 2; d <= x / d && prime; ++d)
            prime = x % d != 0;
        count += prime ? 1 : 0;
    }
    return count;
}

int run(const ferry::cluster_options& at, int chunks) {
    ferry::cluster_pool pool(at);
    const auto start = std::chrono::steady_clock::now();
    std::vector<ferry::future<int>> all;
    for (int n = 0; n != chunks; ++n) {
        // Counting again is harmless, so a host may die.
        all.push_back(
            pool.submit({.label = "primes " + std::to_string(n), .idempotent = true, .attempts = 3},
                        primes_in_chunk, n));
    }
    int primes = 0;
    for (int n = 0; n != chunks; ++n) {
        primes += all[static_cast<std::size_t>(n)].result();
        const int done = 50 * (n + 1) / chunks;
        std::cout << '\r' << '[' << std::string(static_cast<std::size_t>(done), '#')
                  << std::string(static_cast<std::size_t>(50 - done), '.') << "] " << n + 1 << '/'
                  << chunks << std::flush;
    }
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
    std::cout << "\n"
              << primes << " primes below " << chunks * chunk << " on " << pool.max_workers()
              << " workers, in " << took.count() << " s\n";
    return 0;
}

} // namespace

int main(int argc, char** argv) {
    ferry::run_worker_if_spawned();
    ferry::allow_remote<primes_in_chunk>();
    if (argc < 5) {
        std::cerr << "usage: cluster_primes serve|run URL PASSWORD_FILE CA_FILE [NUMBER]\n";
        return 2;
    }
    const ferry::cluster_options at{.url = argv[2],
                                    .password_file = argv[3],
                                    .ca_file = argv[4],
                                    .application = "primes",
                                    .heartbeat = 1s};
    const int number = argc > 5 ? std::atoi(argv[5]) : 0;
    try {
        if (argv[1] == "serve"sv)
            return ferry::serve_cluster_worker(
                at, {.processes = {.max_workers = static_cast<std::size_t>(std::max(1, number))}});
        return run(at, number > 0 ? number : 200);
    } catch (const std::exception& e) {
        std::cerr << "cluster_primes: " << e.what() << '\n';
        return 1;
    }
}
