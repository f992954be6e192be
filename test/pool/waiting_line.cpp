// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
// The line of a bounded pool with calls of strands in it: who makes room lets the next ones in, and
// whoever lets them in keeps their order.
#include <ferry/ferry.hpp>

#include "helpers/gate.hpp"

#define BOOST_TEST_MODULE waiting_line
#include <boost/test/unit_test.hpp>

#include <boost/asio/detached.hpp>
#include <boost/asio/strand.hpp>

#include <algorithm>
#include <thread>
#include <vector>

#include <pthread.h>
#include <time.h>

using namespace ferry;
using namespace std::chrono_literals;
namespace asio = boost::asio;

namespace {

template <class Condition>
void until(Condition c) {
    while (!c())
        std::this_thread::yield();
}

// A coroutine whose call opens the gate.
asio::awaitable<void> open_in(thread_pool& pool, gate& g) {
    const auto open = [&g] { g.open(); };
    co_await run_in_executor(pool, open);
}

} // namespace

BOOST_AUTO_TEST_CASE(a_worker_that_finds_nothing_lets_in_who_stands_in_line) {
    gate started, may_end, opened;
    thread_pool pool({.max_workers = 2, .max_queue = 1});
    const auto strand = asio::make_strand(pool.get_executor());
    auto first = submit(strand, [&] {
        started.open();
        opened.pass(); // by the coroutine's call, which the other worker runs
    });
    started.pass();
    auto other = pool.submit([&] { may_end.pass(); });
    until([&] { return other.running(); });
    auto behind = submit(strand, [] {});
    asio::io_context io;
    asio::co_spawn(io, open_in(pool, opened), asio::detached);
    io.poll();
    BOOST_TEST(!first.done());
    may_end.open();
    io.run();
    first.result();
    behind.result();
}

BOOST_AUTO_TEST_CASE(a_call_of_a_strand_that_starts_has_a_worker_started) {
    gate started, may_end, opened;
    thread_pool pool({.max_workers = 2, .max_queue = 1});
    const auto strand = asio::make_strand(pool.get_executor());
    auto first = submit(strand, [&] {
        started.open();
        may_end.pass();
    });
    started.pass();
    auto second = submit(strand, [&] { opened.pass(); }); // by the coroutine's call
    auto third = submit(strand, [] {});
    asio::io_context io;
    asio::co_spawn(io, open_in(pool, opened), asio::detached);
    io.poll();
    may_end.open();
    io.run();
    second.result();
    third.result();
}

// What leaves the queue while a worker looks for work counts it neither as busy nor as asleep.
BOOST_AUTO_TEST_CASE(a_worker_that_looked_for_work_in_vain_lets_in_who_stands_in_line) {
    gate started, opened;
    thread_pool pool({.max_workers = 2, .max_queue = 1, .spin = 1s});
    const auto strand = asio::make_strand(pool.get_executor());
    auto first = submit(strand, [&] {
        started.open();
        opened.pass(); // by the call in the line
    });
    started.pass();
    clockid_t other{};
    pool.submit([&] { ::pthread_getcpuclockid(::pthread_self(), &other); }).result();
    const auto used = [other] {
        timespec t{};
        ::clock_gettime(other, &t);
        return std::chrono::seconds(t.tv_sec) + std::chrono::nanoseconds(t.tv_nsec);
    };
    const auto before = used();
    const auto latest = std::chrono::steady_clock::now() + 300ms; // where others use the processors
    until([&] {
        return used() - before > 200us || std::chrono::steady_clock::now() > latest;
    }); // it looks for more
    auto second = submit(strand, [] {});
    auto third = submit(strand, [] {});
    auto in_line = async_invoke(pool, [&] { opened.open(); }, use_future);
    BOOST_TEST(second.cancel());
    const bool done = in_line.wait_for(1min);
    BOOST_TEST(done);
    opened.open();
    first.result();
    third.result();
}

BOOST_AUTO_TEST_CASE(calls_of_a_strand_keep_their_order_whoever_lets_them_in) {
    for (const std::size_t most : {1, 2}) {
        thread_pool pool({.max_workers = 2, .max_queue = most});
        const auto strand = asio::make_strand(pool.get_executor());
        asio::io_context io;
        constexpr int calls = 3000;
        std::vector<int> order;
        order.reserve(calls);
        for (int i = 0; i != calls; ++i) {
            asio::co_spawn(
                io,
                [&, i]() -> asio::awaitable<void> {
                    const auto note = [&order, i] { order.push_back(i); };
                    co_await run_in_executor(strand, note);
                },
                asio::detached);
            if (i % 7 == 0) {
                io.poll();
                io.restart();
            }
        }
        io.run();
        BOOST_TEST(order.size() == std::size_t(calls));
        BOOST_TEST(std::ranges::is_sorted(order));
    }
}

// The thread's call is let in by a worker, and the coroutines' beside it.
BOOST_AUTO_TEST_CASE(calls_of_blocked_threads_and_of_coroutines_keep_the_order_of_each) {
    thread_pool pool({.max_workers = 2, .max_queue = 1});
    const auto strand = asio::make_strand(pool.get_executor());
    constexpr int calls = 1000;
    std::vector<int> threads, coroutines; // the strand's
    std::jthread other([&] {
        for (int i = 0; i != calls; ++i)
            static_cast<void>(submit(strand, [&threads, i] { threads.push_back(i); }));
    });
    asio::io_context io;
    for (int i = 0; i != calls; ++i) {
        asio::co_spawn(
            io,
            [&, i]() -> asio::awaitable<void> {
                const auto note = [&coroutines, i] { coroutines.push_back(i); };
                co_await run_in_executor(strand, note);
            },
            asio::detached);
        io.poll();
        io.restart();
    }
    io.run();
    other.join();
    submit(strand, [] {}).result();
    BOOST_TEST(threads.size() == std::size_t(calls));
    BOOST_TEST(std::ranges::is_sorted(threads));
    BOOST_TEST(coroutines.size() == std::size_t(calls));
    BOOST_TEST(std::ranges::is_sorted(coroutines));
}
