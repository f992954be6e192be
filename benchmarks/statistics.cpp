// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
// What reading the statistics costs: W1 while another thread does.
#include "thread_workloads.hpp"

namespace {

/// W1 while another thread does something again and again, with a pause in between, until all
/// futures are gone.
template <class F>
sample beside(std::size_t n, std::chrono::milliseconds pause, F something) {
    ferry_pool p;
    std::atomic<std::size_t> times{0};
    std::jthread other([&](const std::stop_token& stop) {
        while (!stop.stop_requested()) {
            something(p.pool);
            ++times;
            if (pause.count() != 0)
                std::this_thread::sleep_for(pause);
        }
    });
    sample s = submit_all(p, n);
    s.more = {{"times", static_cast<double>(times.load())}};
    return s;
}

constexpr auto read = [](const ferry::thread_pool& pool) { pool.stats(); };
constexpr auto nothing = [](const ferry::thread_pool&) {};

sample unread(std::size_t n) {
    ferry_pool p;
    return submit_all(p, n);
}
sample wake_each_ms(std::size_t n) { return beside(n, std::chrono::milliseconds(1), nothing); }
sample read_each_ms(std::size_t n) { return beside(n, std::chrono::milliseconds(1), read); }
sample read_always(std::size_t n) { return beside(n, {}, read); }

constexpr std::size_t million = 1'000'000;

constexpr workload all[] = {
    {"statistics_read", "ferry", million, unread},
    {"statistics_read", "wake_each_ms", million, wake_each_ms},
    {"statistics_read", "each_ms", million, read_each_ms},
    {"statistics_read", "always", million, read_always},
};

} // namespace

std::span<const workload> statistics_workloads() { return all; }
