// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
// One part of a workload alone, as a mark to compare with. A futex round trip between free threads
// is no lower bound: it depends on where the kernel places them, and spinning avoids it.
#include "workload.hpp"

#include <atomic>
#include <memory>
#include <thread>

#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace {

void futex(std::atomic<std::uint32_t>& word, int what, std::uint32_t value) {
    ::syscall(SYS_futex, reinterpret_cast<std::uint32_t*>(&word), what | FUTEX_PRIVATE_FLAG, value,
              nullptr, nullptr, 0);
}
void tell(std::atomic<std::uint32_t>& word, std::uint32_t value) {
    word.store(value);
    futex(word, FUTEX_WAKE, 1);
}
void await(std::atomic<std::uint32_t>& word, std::uint32_t value) {
    for (std::uint32_t seen = word.load(); seen != value; seen = word.load())
        futex(word, FUTEX_WAIT, seen);
}

/// One thread wakes another and sleeps until that one wakes it.
sample futex_round_trip(std::size_t n) {
    std::atomic<std::uint32_t> there{0};
    std::atomic<std::uint32_t> back{0};
    std::jthread other([&] {
        for (std::uint32_t i = 1; i <= n; ++i) {
            await(there, i);
            tell(back, i);
        }
    });
    const stopwatch watch;
    for (std::uint32_t i = 1; i <= n; ++i) {
        tell(there, i);
        await(back, i);
    }
    return watch.stop(n);
}

struct node {
    node* next = nullptr;
    char rest[56] = {};
};

/// One block of 64 bytes for each item, all at once.
sample malloc_and_free(std::size_t n) {
    node* list = nullptr;
    const stopwatch watch;
    for (std::size_t i = 0; i < n; ++i)
        list = new node{list, {}};
    while (list != nullptr)
        delete std::exchange(list, list->next);
    return watch.stop(n);
}

/// One compare-exchange for each item, which puts it on a list.
template <std::size_t Producers>
sample compare_exchange(std::size_t n) {
    struct link {
        link* next;
    };
    const auto links = std::make_unique<link[]>(n);
    std::atomic<link*> list{nullptr};
    const stopwatch watch;
    const auto push = [&](std::size_t first) {
        for (std::size_t i = first; i < n; i += Producers) {
            links[i].next = list.load(std::memory_order_relaxed);
            while (!list.compare_exchange_weak(links[i].next, &links[i]))
                continue;
        }
    };
    {
        std::vector<std::jthread> others;
        for (std::size_t t = 1; t < Producers; ++t)
            others.emplace_back(push, t);
        push(0);
    }
    return watch.stop(n);
}

constexpr std::size_t million = 1'000'000;

constexpr workload all[] = {
    {"w1", "floor", million, malloc_and_free},       {"w2", "floor", million, compare_exchange<1>},
    {"w2p4", "floor", million, compare_exchange<4>}, {"w3", "floor", 50'000, futex_round_trip},
    {"w4s", "floor", 50'000, futex_round_trip},      {"w4c", "floor", million, compare_exchange<1>},
    {"w6small", "floor", 1000, compare_exchange<1>}, {"w6", "floor", 100'000, compare_exchange<1>},
    {"blocker", "floor", 1000, compare_exchange<1>},
};

} // namespace

std::span<const workload> floor_workloads() { return all; }
