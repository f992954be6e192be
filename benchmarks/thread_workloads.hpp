// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
// The workloads without coroutines, for any of the pools.
#pragma once

#include "pools.hpp"
#include "workload.hpp"

#include <atomic>
#include <condition_variable>
#include <deque>
#include <latch>
#include <memory>
#include <mutex>
#include <thread>
#include <type_traits>
#include <vector>

/// W1: one thread submits trivial tasks, keeps every future, then gets every result. Where
/// allocations are counted, the workers wait until all are in the queue.
template <class Pool>
sample submit_all(Pool& p, std::size_t n) {
    auto first = p.submit(0);
    Pool::get(first);
    std::vector<typename Pool::future> futures;
    futures.reserve(n);
    const auto gate = std::make_shared<std::latch>(1);
    if constexpr (!std::is_same_v<Pool, std_async>) {
        for (std::size_t i = 0; counts_allocations() && i < workers; ++i)
            p.post([gate] { gate->wait(); });
    }
    const auto before = bytes_in_use();
    const stopwatch watch;
    for (std::size_t i = 0; i < n; ++i)
        futures.push_back(p.submit(static_cast<int>(i)));
    const auto held = bytes_in_use() - before;
    gate->count_down();
    for (auto& f : futures)
        Pool::get(f);
    sample s = watch.stop(n);
    s.bytes_per_item = static_cast<double>(held) / static_cast<double>(n);
    return s;
}

/// W2: posts without a future from some producers.
template <class Pool>
sample post_all(Pool& p, std::size_t n, std::size_t producers) {
    std::atomic<std::size_t> left{n};
    std::latch done(1);
    const auto count_down = [&] {
        if (left.fetch_sub(1, std::memory_order_relaxed) == 1)
            done.count_down();
    };
    const stopwatch watch;
    {
        std::vector<std::jthread> threads;
        for (std::size_t t = 0; t < producers; ++t)
            threads.emplace_back([&, share = n / producers + (t < n % producers ? 1 : 0)] {
                for (std::size_t i = 0; i < share; ++i)
                    p.post(count_down);
            });
    }
    done.wait();
    return watch.stop(n);
}

/// W3: submit one, wait for it, repeat.
template <class Pool>
sample one_by_one(Pool& p, std::size_t n) {
    const stopwatch watch;
    for (std::size_t i = 0; i < n; ++i) {
        auto f = p.submit(static_cast<int>(i));
        Pool::get(f);
    }
    return watch.stop(n);
}

/// Lets all threads of the pool start, which others' do with their pool.
template <class Pool>
void start_threads(Pool& p) {
    const auto started = std::make_shared<std::latch>(workers + 1); // the last one leaves it late
    for (std::size_t i = 0; i < workers; ++i)
        p.post([started] { started->arrive_and_wait(); });
    started->arrive_and_wait();
}

/// W6: submit all, consume in the order of completion. The threads have started.
inline sample completion_order(ferry_pool& p, std::size_t n) {
    const stopwatch watch;
    std::vector<ferry_pool::future> futures;
    futures.reserve(n);
    for (std::size_t i = 0; i < n; ++i)
        futures.push_back(p.submit(static_cast<int>(i)));
    std::size_t seen = 0;
    for (auto f : ferry::as_completed(futures))
        seen += f.done() ? 1 : 0;
    return watch.stop(seen);
}
/// The same through a queue made by hand.
template <class Pool>
sample completion_order(Pool& p, std::size_t n) {
    std::mutex mutex;
    std::condition_variable some;
    std::deque<int> results;
    const stopwatch watch;
    for (std::size_t i = 0; i < n; ++i)
        p.post([&, i] {
            const std::lock_guard lock(mutex);
            results.push_back(static_cast<int>(i));
            some.notify_one();
        });
    for (std::size_t seen = 0; seen < n; ++seen) {
        std::unique_lock lock(mutex);
        some.wait(lock, [&] { return !results.empty(); });
        results.pop_front();
    }
    return watch.stop(n);
}

/// The blocker: trivial tasks while one task sleeps and one worker is free.
template <class Pool>
sample blocked(Pool& p, std::size_t n) {
    std::latch asleep(1);
    p.post([&] {
        asleep.count_down();
        std::this_thread::sleep_for(std::chrono::milliseconds(300));
    });
    asleep.wait();
    std::latch done(static_cast<std::ptrdiff_t>(n));
    const stopwatch watch;
    for (std::size_t i = 0; i < n; ++i)
        p.post([&] { done.count_down(); });
    done.wait();
    return watch.stop(n);
}
