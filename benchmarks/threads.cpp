// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
// The workloads without coroutines.
#include "workload.hpp"

#include <ferry/ferry.hpp>

#include <boost/asio/post.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_future.hpp>

#include <atomic>
#include <condition_variable>
#include <deque>
#include <future>
#include <latch>
#include <mutex>
#include <thread>
#include <vector>

namespace asio = boost::asio;

namespace {

constexpr std::size_t workers = 2;

/// The two pools with one interface.
struct ferry_pool {
    using future = ferry::future<int>;
    ferry::thread_pool pool{workers};

    future submit(int n) {
        return pool.submit([n] { return n; });
    }
    static int get(future& f) { return f.result(); }
};
struct asio_pool {
    using future = std::future<int>;
    asio::thread_pool pool{workers};

    future submit(int n) {
        return asio::post(pool, asio::use_future([n] { return n; }));
    }
    static int get(future& f) { return f.get(); }
};

// W1: one thread submits trivial tasks, keeps every future, then gets every result.
template <class Pool>
sample submit_all(std::size_t n) {
    Pool p;
    auto first = p.submit(0);
    Pool::get(first);
    std::vector<typename Pool::future> futures;
    futures.reserve(n);
    const auto before = bytes_in_use();
    const stopwatch watch;
    for (std::size_t i = 0; i < n; ++i)
        futures.push_back(p.submit(static_cast<int>(i)));
    const auto held = bytes_in_use() - before;
    for (auto& f : futures)
        Pool::get(f);
    sample s = watch.stop(n);
    s.bytes_per_item = static_cast<double>(held) / static_cast<double>(n);
    return s;
}

// W2: posts without a future from some producers.
template <class Pool>
sample post_all(std::size_t n, std::size_t producers) {
    Pool p;
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
                    asio::post(p.pool, count_down);
            });
    }
    done.wait();
    return watch.stop(n);
}

// W3: submit one, wait for it, repeat.
template <class Pool>
sample one_by_one(std::size_t n) {
    Pool p;
    const stopwatch watch;
    for (std::size_t i = 0; i < n; ++i) {
        auto f = p.submit(static_cast<int>(i));
        Pool::get(f);
    }
    return watch.stop(n);
}

// W6: submit all, consume in the order of completion.
sample completion_order_ferry(std::size_t n) {
    ferry_pool p;
    const stopwatch watch;
    std::vector<ferry::future<int>> futures;
    futures.reserve(n);
    for (std::size_t i = 0; i < n; ++i)
        futures.push_back(p.submit(static_cast<int>(i)));
    std::size_t seen = 0;
    for (auto f : ferry::as_completed(futures))
        seen += f.done() ? 1 : 0;
    return watch.stop(seen);
}
sample completion_order_asio(std::size_t n) {
    asio_pool p;
    std::mutex mutex;
    std::condition_variable some;
    std::deque<int> results;
    const stopwatch watch;
    for (std::size_t i = 0; i < n; ++i)
        asio::post(p.pool, [&, i] {
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

// The blocker: trivial tasks while one task sleeps and one worker is free.
template <class Pool>
sample blocked(std::size_t n) {
    Pool p;
    std::latch asleep(1);
    asio::post(p.pool, [&] {
        asleep.count_down();
        std::this_thread::sleep_for(std::chrono::milliseconds(300));
    });
    asleep.wait();
    std::latch done(static_cast<std::ptrdiff_t>(n));
    const stopwatch watch;
    for (std::size_t i = 0; i < n; ++i)
        asio::post(p.pool, [&] { done.count_down(); });
    done.wait();
    return watch.stop(n);
}

sample submit_async(std::size_t n) {
    std::vector<std::future<int>> futures;
    futures.reserve(n);
    const stopwatch watch;
    for (std::size_t i = 0; i < n; ++i)
        futures.push_back(std::async(std::launch::async, [i] { return static_cast<int>(i); }));
    for (auto& f : futures)
        f.get();
    return watch.stop(n);
}

template <class Pool>
sample run_pool(std::string_view workload, std::size_t scale) {
    const auto size = [scale](std::size_t n) { return scale != 0 ? scale : n; };
    if (workload == "w1")
        return submit_all<Pool>(size(1'000'000));
    if (workload == "w2")
        return post_all<Pool>(size(1'000'000), 1);
    if (workload == "w2p4")
        return post_all<Pool>(size(1'000'000), 4);
    if (workload == "w3")
        return one_by_one<Pool>(size(50'000));
    if (workload == "blocker")
        return blocked<Pool>(size(1000));
    return {};
}

} // namespace

sample run_threads(std::string_view workload, std::string_view implementation, std::size_t scale) {
    const bool ferry = implementation == "ferry";
    if (workload == "w6" || workload == "w6small") {
        const std::size_t n = scale != 0 ? scale : workload == "w6" ? 100'000 : 1000;
        return ferry ? completion_order_ferry(n)
               : implementation == "asio" ? completion_order_asio(n)
                                          : sample{};
    }
    if (implementation == "async" && workload == "w1")
        return submit_async(scale != 0 ? scale : 20'000);
    return ferry                      ? run_pool<ferry_pool>(workload, scale)
           : implementation == "asio" ? run_pool<asio_pool>(workload, scale)
                                      : sample{};
}
