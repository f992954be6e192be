// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
// A pool whose queue is bounded: what its bounds are, and how it ends.
#include <ferry/ferry.hpp>

#include "helpers/busy_pool.hpp"
#include "helpers/gate.hpp"

#define BOOST_TEST_MODULE bounded
#include <boost/test/unit_test.hpp>

#include <atomic>
#include <limits>
#include <optional>
#include <string>
#include <thread>
#include <vector>

using namespace ferry;
using namespace std::chrono_literals;
namespace asio = boost::asio;

BOOST_AUTO_TEST_CASE(cancelling_what_is_queued_lets_the_next_one_in) {
    busy_pool b({.max_queue = 1});
    auto queued = b.pool.submit([] {});
    auto waits = async_invoke(b.pool, [] { return 7; }, use_future);
    BOOST_TEST(b.pool.stats().queued == 1u);
    BOOST_TEST(queued.cancel());
    BOOST_TEST(b.pool.stats().queued == 1u); // it has taken the place
    auto late = async_invoke(b.pool, [] { return 8; }, use_future);
    b.go.open();
    BOOST_TEST(waits.result() == 7);
    BOOST_TEST(late.result() == 8);
}

BOOST_AUTO_TEST_CASE(bytes_are_bounded_too) {
    busy_pool b({.max_queue_bytes = 100, .when_full = when_full::reject});
    auto first = b.pool.submit({.bytes = 60}, [] {});
    BOOST_CHECK_THROW(b.pool.submit({.bytes = 60}, [] {}), queue_full_error);
    auto second = b.pool.submit({.bytes = 40}, [] {});
    auto none = b.pool.submit([] {});
    BOOST_TEST(first.cancel());
    auto third = b.pool.submit({.bytes = 60}, [] {});
    try {
        b.pool.submit({.bytes = 101}, [] {});
        BOOST_ERROR("it can never fit");
    } catch (const queue_full_error& e) {
        BOOST_TEST((e.retry_after() == std::chrono::nanoseconds::max()));
    }
    b.go.open();
    second.result();
    third.result();
    none.result();
    auto later = b.pool.submit({.bytes = 100}, [] {}); // all is free again
    later.result();
}

BOOST_AUTO_TEST_CASE(bytes_without_a_bound_do_not_count) {
    constexpr auto most = std::numeric_limits<std::size_t>::max();
    busy_pool b({.max_queue = 3});
    auto first = b.pool.submit({.bytes = most}, [] {});
    auto second = b.pool.submit({.bytes = most}, [] {});
    b.go.open();
    first.result();
    second.result();
}

BOOST_AUTO_TEST_CASE(what_is_too_large_is_refused_even_if_the_pool_blocks) {
    thread_pool pool({.max_workers = 1, .max_queue_bytes = 10});
    BOOST_CHECK_THROW(pool.submit({.bytes = 11}, [] {}), queue_full_error);
    const task_options large{.bytes = 11};
    BOOST_CHECK_THROW(run(run_in_executor(pool, large, [] {})), queue_full_error);
}

BOOST_AUTO_TEST_CASE(a_large_task_at_the_head_of_the_line_is_not_overtaken) {
    busy_pool b({.max_queue_bytes = 100});
    auto first = b.pool.submit({.bytes = 60}, [] {});
    std::vector<int> order;
    auto large =
        async_invoke(b.pool, task_options{.bytes = 90}, [&] { order.push_back(1); }, use_future);
    auto small =
        async_invoke(b.pool, task_options{.bytes = 1}, [&] { order.push_back(2); }, use_future);
    BOOST_TEST(b.pool.stats().queued == 1u);
    b.go.open();
    large.result();
    small.result();
    BOOST_TEST(order == (std::vector{1, 2}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(max_wait_expires_in_the_queue_and_in_the_line) {
    busy_pool b({.max_queue = 1, .max_wait = 20ms});
    auto queued = b.pool.submit([] {});
    auto in_line = async_invoke(b.pool, [] {}, use_future);
    auto blocked = b.pool.submit([] {}); // until it expires
    BOOST_CHECK_THROW(queued.result(), timeout_error);
    BOOST_CHECK_THROW(in_line.result(), timeout_error);
    BOOST_CHECK_THROW(blocked.result(), timeout_error);
    BOOST_TEST(b.pool.stats().queued == 0u);
}

BOOST_AUTO_TEST_CASE(without_any_wait_only_what_can_start_is_accepted) {
    thread_pool pool({.max_workers = 2, .max_wait = 0s});
    gate go;
    auto a = pool.submit([&] { go.pass(); });
    auto b = pool.submit([&] { go.pass(); });
    BOOST_CHECK_THROW(pool.submit([] {}), queue_full_error);
    BOOST_CHECK_THROW(run(run_in_executor(pool, [] {})), queue_full_error);
    go.open();
    a.result();
    b.result();
    // A worker that has just ended a task is free.
    for (int i = 0; i != 100; ++i)
        pool.submit([] {}).result();
}

BOOST_AUTO_TEST_CASE(the_estimate_follows_the_run_times) {
    thread_pool pool({.max_workers = 1, .max_wait = 1h});
    const auto ten_ms = [] {
        const auto end = std::chrono::steady_clock::now() + 10ms;
        while (std::chrono::steady_clock::now() < end)
            std::this_thread::yield();
    };
    for (int i = 0; i != 3; ++i)
        pool.submit(ten_ms).result();
    gate go, started;
    auto busy = pool.submit([&] {
        started.open();
        go.pass();
    });
    started.pass();
    std::vector<future<void>> queued;
    for (int i = 0; i != 10; ++i)
        queued.push_back(pool.submit([] {}));
    // Ten of them at 10 ms or more each.
    const auto soon = std::chrono::steady_clock::now() + 50ms;
    try {
        pool.submit({.start_by = soon}, [] {});
        BOOST_ERROR("it would wait too long");
    } catch (const queue_full_error& e) {
        BOOST_TEST((e.retry_after() >= 100ms));
        BOOST_TEST(e.queued() == 10u);
    }
    auto urgent =
        pool.submit({.start_by = std::chrono::steady_clock::now() + 1h, .priority = 1}, [] {});
    go.open();
    urgent.result();
}

BOOST_AUTO_TEST_CASE(a_pools_own_worker_never_waits_for_a_place) {
    thread_pool pool(
        {.max_workers = 1, .max_queue = 1, .max_wait = 0s, .when_full = when_full::reject});
    auto outer = pool.submit([&] {
        std::vector<future<int>> inner;
        for (int i = 0; i != 5; ++i)
            inner.push_back(pool.submit({.bytes = 5}, [i] { return i; }));
        int sum = 0;
        for (auto& f : inner)
            sum += f.result();
        return sum;
    });
    BOOST_TEST(outer.result() == 10);
}

BOOST_AUTO_TEST_CASE(shutdown_turns_the_line_away) {
    std::optional<busy_pool> b;
    b.emplace(thread_pool_options{.max_queue = 1});
    auto queued = b->pool.submit([] { return 1; });
    auto in_line = async_invoke(b->pool, [] { return 2; }, use_future);
    const auto strand = asio::make_strand(b->pool.get_executor());
    auto on_strand = async_invoke(strand, [] { return 3; }, use_future);
    std::exception_ptr why;
    std::atomic<bool> about_to{false};
    std::thread blocked([&] {
        about_to = true;
        try {
            static_cast<void>(b->pool.submit([] {}));
        } catch (...) {
            why = std::current_exception();
        }
    });
    until([&] { return about_to.load(); });
    b->pool.shutdown({.wait = false});
    blocked.join();
    BOOST_CHECK_THROW(std::rethrow_exception(why), shutdown_error);
    BOOST_CHECK_THROW(in_line.result(), shutdown_error);
    BOOST_CHECK_THROW(on_strand.result(), shutdown_error);
    b->go.open();
    BOOST_TEST(queued.result() == 1);
    b->pool.shutdown();
    BOOST_TEST(b->pool.stats().completed == 2u);
}

BOOST_AUTO_TEST_CASE(a_broken_pool_turns_the_line_away) {
    gate go, started, release;
    std::atomic<int> workers{0};
    thread_pool pool({.max_workers = 2,
                      .initializer =
                          [&] {
                              if (workers++ == 1) {
                                  go.pass();
                                  throw std::runtime_error("no licence");
                              }
                          },
                      .max_queue = 1});
    auto busy = pool.submit([&] {
        started.open();
        release.pass();
    });
    started.pass();
    auto first = pool.submit([] {}),
         second = async_invoke(
             pool, [] {}, use_future),
         third = async_invoke(pool, [] {}, use_future);
    go.open();
    BOOST_CHECK_THROW(third.result(), broken_thread_pool);
    BOOST_CHECK_THROW(second.result(), broken_thread_pool);
    release.open();
}

BOOST_AUTO_TEST_CASE(options_out_of_range_are_named) {
    thread_pool pool(1);
    try {
        pool.submit({.attempts = 0}, [] {});
        BOOST_ERROR("no attempt at all");
    } catch (const std::invalid_argument& e) {
        BOOST_TEST(std::string(e.what()).find("attempts") != std::string::npos);
    }
}
