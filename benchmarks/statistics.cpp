// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
// What statistics cost: W1 while another thread reads them, and W1 with every task measured beside
// W1 with one of sixteen.
#include "thread_workloads.hpp"

namespace {

/// W1 while another thread reads the statistics, with a pause in between. `reads` goes on until all
/// futures are gone.
sample read_each(std::size_t n, std::chrono::milliseconds pause) {
    ferry_pool p;
    std::atomic<std::size_t> reads{0};
    std::jthread reader([&](const std::stop_token& stop) {
        while (!stop.stop_requested()) {
            p.pool.stats();
            ++reads;
            if (pause.count() != 0)
                std::this_thread::sleep_for(pause);
        }
    });
    sample s = submit_all(p, n);
    s.more = {{"reads", static_cast<double>(reads.load())}};
    return s;
}
sample unread(std::size_t n) {
    ferry_pool p;
    return submit_all(p, n);
}
sample read_each_ms(std::size_t n) { return read_each(n, std::chrono::milliseconds(1)); }
sample read_always(std::size_t n) { return read_each(n, {}); }

/// The first thousand tasks of a pool are measured, later every sixteenth is: pools whose first 900
/// tasks are timed, and pools whose tasks 1001 to 1900 are. What is posted is no task and warms up.
sample measured(std::size_t pools, std::size_t before) {
    constexpr std::size_t n = 899; // submit_all adds one
    sample sum;
    for (std::size_t i = 0; i < pools; ++i) {
        ferry_pool p;
        post_all(p, 2000 - before, 1);
        if (before != 0)
            submit_all(p, before - 1);
        const sample s = submit_all(p, n);
        sum.items += s.items;
        sum.ns += s.ns / static_cast<double>(pools);
    }
    return sum;
}
sample all_measured(std::size_t pools) { return measured(pools, 0); }
sample one_of_sixteen(std::size_t pools) { return measured(pools, 1000); }

constexpr std::size_t million = 1'000'000;

constexpr workload all[] = {
    {"statistics_read", "ferry", million, unread},
    {"statistics_read", "each_ms", million, read_each_ms},
    {"statistics_read", "always", million, read_always},
    {"statistics_kept", "ferry", 500, one_of_sixteen},
    {"statistics_kept", "each_task", 500, all_measured},
};

} // namespace

std::span<const workload> statistics_workloads() { return all; }
