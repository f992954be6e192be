// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
// What a bounded pool does when twice as much comes as it can do, and tasks that are submitted at
// once. The overload is an open loop: tasks come at their times, whatever became of those before.
#include "workload.hpp"

#include <ferry/ferry.hpp>

#include <boost/asio/detached.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <deque>
#include <functional>
#include <ranges>
#include <thread>

namespace {

using namespace std::chrono_literals;
using clock = std::chrono::steady_clock;
namespace asio = boost::asio;

constexpr std::size_t workers = 2;

// Takes its time without a processor, so that the machine is not what is short.
void work() { std::this_thread::sleep_for(500us); }

// Tasks per second, with all workers busy.
double capacity() {
    ferry::thread_pool pool(workers);
    constexpr std::size_t n = 200;
    const auto start = clock::now();
    for (auto& f : pool.submit_bulk(std::vector<void (*)()>(n, work)))
        f.result();
    return static_cast<double>(n) / std::chrono::duration<double>(clock::now() - start).count();
}

double nth(std::vector<double>& all, double share) {
    if (all.empty())
        return 0;
    const auto at =
        all.begin() + static_cast<std::ptrdiff_t>(share * static_cast<double>(all.size() - 1));
    std::ranges::nth_element(all, at);
    return *at;
}

double ns_since(clock::time_point t) {
    return std::chrono::duration<double, std::nano>(clock::now() - t).count();
}

/// One task that comes.
struct arrival {
    clock::time_point due;
    double latency = 0; ///< from when it came until its end, where it was accepted
};

/// What is measured of them.
struct outcomes {
    std::deque<arrival> accepted;
    std::vector<double> refusals; ///< how long each took to be told
    std::vector<double> retries;  ///< what the pool said, in ns

    void refused(clock::time_point asked, const ferry::queue_full_error& e) {
        refusals.push_back(ns_since(asked));
        retries.push_back(static_cast<double>(e.retry_after().count()));
    }
    sample summary(std::size_t items, clock::time_point start, double per_second) {
        const double seconds = ns_since(start) / 1e9;
        std::vector<double> latencies;
        for (const arrival& a : accepted)
            latencies.push_back(a.latency);
        sample s;
        s.items = items;
        s.ns = nth(latencies, 0.99);
        s.more = {{"median", nth(latencies, 0.5)},
                  {"accepted", static_cast<double>(latencies.size())},
                  {"refused", static_cast<double>(refusals.size())},
                  {"refused_median", nth(refusals, 0.5)},
                  {"refused_p99", nth(refusals, 0.99)},
                  {"retry_after", nth(retries, 0.5)},
                  {"goodput", static_cast<double>(latencies.size()) / seconds / per_second}};
        return s;
    }
};

/// Waits until the i-th task of so many per second comes.
class schedule {
public:
    explicit schedule(double rate) : period_(1e9 / rate) {}
    clock::time_point start() const { return start_; }
    clock::time_point due(std::size_t i) const {
        return start_ + std::chrono::nanoseconds(
                            static_cast<std::int64_t>(static_cast<double>(i) * period_));
    }
    clock::time_point wait(std::size_t i) const {
        std::this_thread::sleep_until(due(i) - 100us);
        while (clock::now() < due(i)) {
        }
        return due(i);
    }

private:
    double period_;
    clock::time_point start_ = clock::now() + 1ms;
};

sample arrivals(ferry::thread_pool_options options, double share, std::size_t n) {
    const double per_second = capacity();
    outcomes out;
    options.max_workers = workers;
    ferry::thread_pool pool(std::move(options));
    const schedule when(share * per_second);
    for (std::size_t i = 0; i != n; ++i) {
        arrival& a = out.accepted.emplace_back(arrival{when.wait(i)});
        const auto asked = clock::now();
        try {
            static_cast<void>(pool.submit([&a] {
                work();
                a.latency = ns_since(a.due);
            }));
        } catch (const ferry::queue_full_error& e) {
            out.refused(asked, e);
            out.accepted.pop_back();
        }
    }
    pool.shutdown();
    return out.summary(n, when.start(), per_second);
}

sample bounded(std::size_t n) {
    return arrivals({.max_queue = 8, .when_full = ferry::when_full::reject}, 2, n);
}
sample with_max_wait(std::size_t n) {
    return arrivals({.max_wait = 5ms, .when_full = ferry::when_full::reject}, 2, n);
}
sample unbounded(std::size_t n) { return arrivals({}, 2, n); }
sample at_half(std::size_t n) {
    return arrivals({.max_queue = 8, .when_full = ferry::when_full::reject}, 0.5, n);
}

/// The same from coroutines of one loop.
sample awaited(std::size_t n) {
    const double per_second = capacity();
    outcomes out;
    ferry::thread_pool pool(
        {.max_workers = workers, .max_queue = 8, .when_full = ferry::when_full::reject});
    asio::io_context io;
    const schedule when(2 * per_second);
    const auto call = [&](clock::time_point due) -> asio::awaitable<void> {
        const auto asked = clock::now();
        try {
            co_await ferry::run_in_executor(pool, work);
            out.accepted.push_back({due, ns_since(due)});
        } catch (const ferry::queue_full_error& e) {
            out.refused(asked, e);
        }
    };
    const auto all = [&]() -> asio::awaitable<void> {
        asio::steady_timer timer(io);
        for (std::size_t i = 0; i != n; ++i) {
            if (when.due(i) > clock::now()) {
                timer.expires_at(when.due(i));
                co_await timer.async_wait(asio::use_awaitable);
            }
            asio::co_spawn(io, call(when.due(i)), asio::detached);
        }
    };
    asio::co_spawn(io, all(), asio::detached);
    io.run();
    return out.summary(n, when.start(), per_second);
}

// ---- Tasks that are submitted one by one, or at once --------------------------------------------

int one() { return 1; }

// They have been submitted just now.
sample all_results(const stopwatch& w, std::vector<ferry::future<int>> futures) {
    const auto n = static_cast<double>(futures.size());
    const double submitted = w.ns();
    for (auto& f : futures)
        f.result();
    sample s = w.stop(futures.size());
    s.more = {{"submit_ns", submitted / n}};
    return s;
}

sample single(std::size_t n) {
    ferry::thread_pool pool(workers);
    std::vector<ferry::future<int>> futures;
    futures.reserve(n);
    const stopwatch w;
    for (std::size_t i = 0; i != n; ++i)
        futures.push_back(pool.submit(one));
    return all_results(w, std::move(futures));
}
sample at_once(std::size_t n) {
    ferry::thread_pool pool(workers);
    const std::vector<int (*)()> calls(n, one);
    const stopwatch w;
    return all_results(w, pool.submit_bulk(calls));
}
sample mapped(std::size_t n) {
    ferry::thread_pool pool(workers);
    const std::vector<int> input(n, 1);
    const stopwatch w;
    auto results = pool.map([](int i) { return i; }, input);
    const double submitted = w.ns();
    std::size_t sum = 0;
    for (const int i : results)
        sum += static_cast<std::size_t>(i);
    sample s = w.stop(sum);
    s.more = {{"submit_ns", submitted / static_cast<double>(n)}};
    return s;
}

constexpr std::size_t million = 1'000'000;

constexpr workload all[] = {
    {"overload", "ferry", 4000, bounded},      {"overload", "max_wait", 4000, with_max_wait},
    {"overload", "coroutines", 4000, awaited}, {"overload", "unbounded", 4000, unbounded},
    {"overload", "half", 2000, at_half},       {"bulk", "ferry", million, single},
    {"bulk", "submit_bulk", million, at_once}, {"bulk", "map", million, mapped},
};

} // namespace

std::span<const workload> overload_workloads() { return all; }
