// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
// Who takes part in the workloads without coroutines.
#include "thread_workloads.hpp"

namespace {

template <class Pool>
sample w1(std::size_t n) {
    Pool p;
    return submit_all(p, n);
}
template <class Pool, std::size_t Producers>
sample w2(std::size_t n) {
    Pool p;
    return post_all(p, n, Producers);
}
template <class Pool>
sample w3(std::size_t n) {
    Pool p;
    return one_by_one(p, n);
}
template <class Pool>
sample w6(std::size_t n) {
    Pool p;
    start_threads(p);
    return completion_order(p, n);
}
template <class Pool>
sample blocker(std::size_t n) {
    Pool p;
    return blocked(p, n);
}

constexpr std::size_t million = 1'000'000;

constexpr workload all[] = {
    {"w1", "ferry", million, w1<ferry_pool>},
    {"w1", "asio", million, w1<asio_pool>},
    {"w1", "async", 20'000, w1<std_async>},
    {"w2", "ferry", million, w2<ferry_pool, 1>},
    {"w2", "asio", million, w2<asio_pool, 1>},
    {"w2p4", "ferry", million, w2<ferry_pool, 4>},
    {"w2p4", "asio", million, w2<asio_pool, 4>},
    {"w3", "ferry", 50'000, w3<ferry_pool>},
    {"w3", "asio", 50'000, w3<asio_pool>},
    {"w3", "async", 10'000, w3<std_async>},
    {"w6small", "ferry", 1000, w6<ferry_pool>},
    {"w6small", "asio", 1000, w6<asio_pool>},
    {"w6", "ferry", 100'000, w6<ferry_pool>},
    {"w6", "asio", 100'000, w6<asio_pool>},
    {"blocker", "ferry", 1000, blocker<ferry_pool>},
    {"blocker", "asio", 1000, blocker<asio_pool>},
#if defined(BENCH_TBB)
    {"w1", "tbb", million, w1<tbb_pool>},
    {"w2", "tbb", million, w2<tbb_pool, 1>},
    {"w2p4", "tbb", million, w2<tbb_pool, 4>},
    {"w3", "tbb", 50'000, w3<tbb_pool>},
    {"w6small", "tbb", 1000, w6<tbb_pool>},
    {"w6", "tbb", 100'000, w6<tbb_pool>},
    {"blocker", "tbb", 1000, blocker<tbb_pool>},
#endif
};

} // namespace

std::span<const workload> thread_workloads() { return all; }
