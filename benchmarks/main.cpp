// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
// bench_core WORKLOAD IMPLEMENTATION [SCALE]: one sample as one line of JSON.
#include "workload.hpp"

#include <charconv>
#include <cstdio>
#include <cstring>

int main(int argc, char** argv) {
    std::size_t scale = 0; // 0: the workload's own size
    const bool has_scale = argc == 4;
    if (has_scale) {
        const char* const end = argv[3] + std::strlen(argv[3]);
        const auto r = std::from_chars(argv[3], end, scale);
        if (r.ec != std::errc() || r.ptr != end || scale == 0) {
            std::fprintf(stderr, "bench_core: SCALE must be a positive number, not '%s'\n", argv[3]);
            return 2;
        }
    }
    if (argc != 3 && !has_scale) {
        std::fputs("usage: bench_core WORKLOAD IMPLEMENTATION [SCALE]\n", stderr);
        return 2;
    }
    sample s = run_threads(argv[1], argv[2], scale);
    if (s.items == 0)
        s = run_coroutines(argv[1], argv[2], scale);
    if (s.items == 0) {
        std::fprintf(stderr, "bench_core: there is no workload '%s' for '%s'\n", argv[1], argv[2]);
        return 2;
    }
    const auto n = static_cast<double>(s.items);
    std::printf("{\"workload\": \"%s\", \"implementation\": \"%s\", \"items\": %zu, "
                "\"ns_per_item\": %.2f, \"allocations_per_item\": %.3f, \"bytes_per_item\": %.1f}\n",
                argv[1], argv[2], s.items, s.seconds * 1e9 / n,
                static_cast<double>(s.allocations) / n, s.bytes_per_item);
}
