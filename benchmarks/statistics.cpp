// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
// What reading the statistics costs: W1 while another thread does.
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

constexpr std::size_t million = 1'000'000;

constexpr workload all[] = {
    {"statistics_read", "ferry", million, unread},
    {"statistics_read", "each_ms", million, read_each_ms},
    {"statistics_read", "always", million, read_always},
};

} // namespace

std::span<const workload> statistics_workloads() { return all; }
