// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include <ferry/thread_pool.hpp>

#include "cpu_quota.hpp"

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <sched.h>
#include <thread>

namespace ferry {
namespace {

std::size_t allowed_by_affinity() {
    // The set grows with the machine: ask with more room until it is enough.
    for (int cpus = 1024; cpus <= 1 << 20; cpus *= 4) {
        cpu_set_t* const set = CPU_ALLOC(cpus);
        if (set == nullptr)
            break;
        const std::size_t size = CPU_ALLOC_SIZE(cpus);
        const int n = ::sched_getaffinity(0, size, set) == 0 ? CPU_COUNT_S(size, set) : -1;
        CPU_FREE(set);
        if (n > 0)
            return static_cast<std::size_t>(n);
    }
    return std::max(1u, std::thread::hardware_concurrency());
}

} // namespace

std::size_t cpu_bound_workers() {
    if (const char* v = ::secure_getenv("FERRY_CPUS")) {
        std::size_t n = 0;
        const char* const end = v + std::strlen(v);
        if (const auto r = std::from_chars(v, end, n);
            r.ec == std::errc() && r.ptr == end && n >= 1 && n <= 65536)
            return n;
    }
    return std::min(allowed_by_affinity(), detail::cpus_by_quota("/"));
}

std::size_t io_bound_workers() { return std::min<std::size_t>(32, cpu_bound_workers() + 4); }

} // namespace ferry
