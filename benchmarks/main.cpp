// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
// bench_core WORKLOAD IMPLEMENTATION [SCALE]: one sample as one line of JSON.
// bench_core --list: what there is, as JSON, and what it was built with.
#include "workload.hpp"

#include <boost/version.hpp>

#include <charconv>
#include <cstdio>
#include <cstring>

namespace {

/// Calls `f` for each workload until it returns true.
template <class F>
bool any_workload(F f) {
    for (const auto workloads :
         {thread_workloads(), coroutine_workloads(), growth_workloads(), fairness_workloads(),
          statistics_workloads(), floor_workloads(), overload_workloads()})
        for (const workload& w : workloads)
            if (f(w))
                return true;
    return false;
}

void print_list() {
    std::printf("{\"compiler\": \"%s\", \"boost\": \"%d.%d.%d\", \"counts_allocations\": %s, "
                "\"workloads\": [",
                __VERSION__, BOOST_VERSION / 100000, BOOST_VERSION / 100 % 1000,
                BOOST_VERSION % 100, counts_allocations() ? "true" : "false");
    const char* separator = "";
    any_workload([&](const workload& w) {
        std::printf("%s\n  [\"%s\", \"%s\"]", separator, w.name.data(), w.implementation.data());
        separator = ",";
        return false;
    });
    std::puts("]}");
}

void print(const workload& w, const sample& s) {
    std::printf("{\"workload\": \"%s\", \"implementation\": \"%s\", \"items\": %zu, \"ns\": %.2f",
                w.name.data(), w.implementation.data(), s.items, s.ns);
    if (counts_allocations())
        std::printf(", \"allocations_per_item\": %.3f, \"bytes_per_item\": %.1f", s.allocations,
                    s.bytes_per_item);
    for (const auto& [name, value] : s.more)
        std::printf(", \"%s\": %.2f", name.data(), value);
    std::puts("}");
}

} // namespace

int main(int argc, char** argv) {
    if (argc == 2 && std::strcmp(argv[1], "--list") == 0) {
        print_list();
        return 0;
    }
    std::size_t scale = 0; // 0: the workload's own
    if (argc == 4) {
        const char* const end = argv[3] + std::strlen(argv[3]);
        const auto r = std::from_chars(argv[3], end, scale);
        if (r.ec != std::errc() || r.ptr != end || scale == 0) {
            std::fprintf(stderr, "bench_core: SCALE must be a positive number, not '%s'\n",
                         argv[3]);
            return 2;
        }
    } else if (argc != 3) {
        std::fputs("usage: bench_core WORKLOAD IMPLEMENTATION [SCALE]\n"
                   "       bench_core --list\n",
                   stderr);
        return 2;
    }
    const bool found = any_workload([&](const workload& w) {
        if (w.name != argv[1] || w.implementation != argv[2])
            return false;
        print(w, w.run(scale != 0 ? scale : w.scale));
        return true;
    });
    if (found)
        return 0;
    std::fprintf(stderr, "bench_core: there is no workload '%s' for '%s'\n", argv[1], argv[2]);
    return 2;
}
