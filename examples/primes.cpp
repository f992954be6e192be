// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
// Counts the primes below a number in this thread, in a pool of threads and in a pool of processes:
// only the class of the pool changes. Usage: primes [LIMIT]
#include <ferry/ferry.hpp>
#include <ferry/process.hpp>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <functional>
#include <vector>

namespace {

struct range {
    int first = 0;
    int last = 0; // not included
};

int count_primes(range r) {
    int found = 0;
    for (int n = std::max(r.first, 2); n < r.last; ++n) {
        bool prime = true;
        for (int d = 2; d * d <= n && prime; ++d)
            prime = n % d != 0;
        found += prime ? 1 : 0;
    }
    return found;
}

std::vector<range> split(int limit) {
    std::vector<range> parts;
    const int step = limit / 64 + 1;
    for (int first = 0; first < limit; first += step)
        parts.push_back({first, std::min(first + step, limit)});
    return parts;
}

void report(const char* where, const std::function<int()>& count) {
    const auto start = std::chrono::steady_clock::now();
    const int found = count();
    const std::chrono::duration<double, std::milli> took = std::chrono::steady_clock::now() - start;
    std::printf("%-20s %d primes in %.0f ms\n", where, found, took.count());
}

template <class Pool>
int count_with(int limit) {
    Pool pool(ferry::cpu_bound_workers());
    int found = 0;
    for (int n : pool.map(count_primes, split(limit)))
        found += n;
    return found;
}

} // namespace

int main(int argc, char** argv) {
    ferry::run_worker_if_spawned();
    int limit = 2'000'000;
    if (argc > 1) {
        const char* const end = argv[1] + std::strlen(argv[1]);
        const auto r = std::from_chars(argv[1], end, limit);
        if (argc > 2 || r.ec != std::errc() || r.ptr != end || limit < 1) {
            std::fprintf(stderr, "primes: the limit must be a positive number, not '%s'\n",
                         argv[1]);
            return 2;
        }
    }
    report("this thread", [limit] { return count_primes({0, limit}); });
    report("ferry::thread_pool", [limit] { return count_with<ferry::thread_pool>(limit); });
    report("ferry::process_pool", [limit] { return count_with<ferry::process_pool>(limit); });
}
