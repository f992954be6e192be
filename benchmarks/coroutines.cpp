// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
// Who takes part in the workloads of coroutines on an io_context.
#include "offloads.hpp"

namespace {

template <class Way>
sample w4s(std::size_t n) {
    Way way;
    return run_trips(way, 1, n);
}
template <class Way>
sample w4c(std::size_t each) {
    Way way;
    return run_trips(way, 1000, each);
}

constexpr workload all[] = {
    {"w4s", "ferry", 50'000, w4s<by_ferry>},
    {"w4s", "asio", 50'000, w4s<by_initiate<asio_pool>>},
    {"w4s", "asio_co_spawn", 50'000, w4s<by_co_spawn>},
    {"w4s", "asio_hop", 50'000, w4s<by_hop>},
    {"w4c", "ferry", 1000, w4c<by_ferry>},
    {"w4c", "asio", 1000, w4c<by_initiate<asio_pool>>},
    {"w4c", "asio_co_spawn", 1000, w4c<by_co_spawn>},
    {"w4c", "asio_hop", 1000, w4c<by_hop>},
#if defined(BENCH_TBB)
    {"w4s", "tbb", 50'000, w4s<by_initiate<tbb_pool>>},
    {"w4c", "tbb", 1000, w4c<by_initiate<tbb_pool>>},
#endif
};

} // namespace

std::span<const workload> coroutine_workloads() { return all; }
