// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
// The cost of one item as their number grows, and the memory that stays. Few items are measured
// several times, so that a sample is never shorter than some milliseconds.
#include "offloads.hpp"
#include "resident_bytes.hpp"
#include "thread_workloads.hpp"

#include <algorithm>
#include <latch>
#include <malloc.h>
#include <thread>
#include <vector>

namespace {

constexpr std::size_t enough = 100'000; // items in a sample, at least

/// The mean of as many rounds as make enough items.
template <class F>
sample rounds(std::size_t n, F round) {
    const std::size_t times = n < enough ? enough / n : 1;
    sample sum;
    for (std::size_t i = 0; i < times; ++i) {
        const sample s = round();
        sum.items += s.items;
        sum.ns += s.ns / static_cast<double>(times);
    }
    return sum;
}

template <class Pool>
sample tasks(std::size_t n) {
    Pool p;
    return rounds(n, [&] { return submit_all(p, n); });
}
template <class Way>
sample coroutines(std::size_t n) {
    Way way;
    return run_trips(way, n, std::max<std::size_t>(10, enough / n)); // starting one counts little
}
template <class Pool>
sample completed(std::size_t n) {
    Pool p;
    return rounds(n, [&] { return completion_order(p, n); });
}
template <class Pool>
sample producers(std::size_t n) {
    Pool p;
    return post_all(p, 10 * enough, n);
}

/// One producer, and a pool of so many workers.
template <class Pool>
sample pool_workers(std::size_t n) {
    Pool p(n);
    return post_all(p, 10 * enough, 1);
}

/// Coroutines on so many contexts, each with a thread of its own, and one pool.
template <class Way>
sample contexts(std::size_t n) {
    Way way;
    constexpr std::size_t coroutines = 100;
    const std::size_t each = std::max<std::size_t>(10, 10 * enough / coroutines / n);
    const stopwatch watch;
    {
        std::vector<std::jthread> threads;
        for (std::size_t i = 0; i < n; ++i)
            threads.emplace_back([&way, each] { run_trips(way, coroutines, each); });
    }
    return watch.stop(n * coroutines * each);
}

/// Coroutines await room in the queue of a bounded pool.
struct by_bounded_ferry : by_ferry {
    by_bounded_ferry()
        : by_ferry{
              ferry_pool(ferry::thread_pool_options{.max_workers = workers, .max_queue = 64})} {}
};

/// Starts so many workers, each of which blocks until all of them do.
template <class Pool>
sample blocking_workers(std::size_t n) {
    std::latch all_there(static_cast<std::ptrdiff_t>(n + 1));
    const stopwatch watch;
    Pool p(n);
    for (std::size_t i = 0; i < n; ++i)
        p.post([&all_there] { all_there.arrive_and_wait(); });
    all_there.arrive_and_wait();
    return watch.stop(n);
}

/// Memory before, during and after a burst of tasks that all have a future at the same time.
template <class Pool>
sample burst(std::size_t n) {
    Pool p;
    for (std::size_t i = 0; i < 1 + n / 300; ++i)
        submit_all(p, 1000); // starts the workers, and fills the ring of what is recorded
    const double before = resident_bytes();
    double peak = 0;
    sample s;
    {
        std::vector<typename Pool::future> futures;
        const stopwatch watch;
        for (std::size_t i = 0; i < n; ++i)
            futures.push_back(p.submit(static_cast<int>(i)));
        for (auto& f : futures)
            Pool::get(f);
        s = watch.stop(n);
        peak = resident_bytes();
    }
    const double after = resident_bytes();
    ::malloc_trim(0);
    s.more = {{"rss_before", before},
              {"rss_peak", peak},
              {"rss_after", after},
              {"rss_after_trim", resident_bytes()}};
    return s;
}

constexpr workload all[] = {
    {"grow_tasks", "ferry", enough, tasks<ferry_pool>},
    {"grow_tasks", "asio", enough, tasks<asio_pool>},
    {"grow_coroutines", "ferry", 1000, coroutines<by_ferry>},
    {"grow_coroutines", "asio", 1000, coroutines<by_initiate<asio_pool>>},
    {"grow_completed", "ferry", enough, completed<ferry_pool>},
    {"grow_completed", "asio", enough, completed<asio_pool>},
    {"grow_producers", "ferry", 4, producers<ferry_pool>},
    {"grow_producers", "asio", 4, producers<asio_pool>},
    {"grow_workers", "ferry", 4, pool_workers<ferry_pool>},
    {"grow_workers", "asio", 4, pool_workers<asio_pool>},
    {"grow_contexts", "ferry", 4, contexts<by_ferry>},
    {"grow_contexts", "asio", 4, contexts<by_initiate<asio_pool>>},
    {"grow_bounded", "ferry", 1000, coroutines<by_bounded_ferry>},
    {"grow_bounded", "asio", 1000, coroutines<by_initiate<asio_pool>>}, // which has no bounds
    {"grow_blocking", "ferry", 1000, blocking_workers<ferry_pool>},
    {"grow_blocking", "asio", 1000, blocking_workers<asio_pool>},
    {"burst", "ferry", 10 * enough, burst<ferry_pool>},
    {"burst", "asio", 10 * enough, burst<asio_pool>},
};

} // namespace

std::span<const workload> growth_workloads() { return all; }
