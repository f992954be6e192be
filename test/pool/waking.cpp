// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#define BOOST_TEST_MODULE waking
#include <ferry/thread_pool.hpp>

#include <ferry/detail/spin.hpp>
#include <ferry/ferry.hpp>

#include "helpers/gate.hpp"

#include <boost/test/unit_test.hpp>

#include <atomic>
#include <thread>
#include <vector>

using namespace std::chrono_literals;

// Who looks for work instead of sleeping must see all of it, and nobody else is woken for it.

BOOST_AUTO_TEST_CASE(a_worker_that_spins_sees_what_is_submitted_before_all_workers_exist) {
    ferry::thread_pool pool({.max_workers = 3, .spin = 1h});
    for (int i = 0; i < 100; ++i)
        BOOST_TEST(pool.submit([i] { return i; }).result(20s) == i);
    BOOST_TEST(pool.stats().workers == 1u);
}

BOOST_AUTO_TEST_CASE(a_worker_that_spins_leaves_no_task_to_one_that_blocks) {
    ferry::thread_pool pool({.max_workers = 2, .spin = 1h});
    for (int round = 0; round < 200; ++round) {
        gate release;
        auto blocked = pool.submit([&] { release.pass(); });
        auto other = pool.submit([round] { return round; });
        BOOST_TEST(other.result(20s) == round);
        release.open();
        blocked.result();
    }
}

BOOST_AUTO_TEST_CASE(a_blocker_delays_nobody_while_a_worker_or_a_thread_is_to_be_had) {
    for (int round = 0; round < 200; ++round) {
        gate release;
        ferry::thread_pool pool(2);
        auto blocked = pool.submit([&] { release.pass(); });
        std::vector<ferry::future<int>> others;
        for (int i = 0; i < 20; ++i)
            others.push_back(pool.submit([i] { return i; }));
        for (int i = 0; i < 20; ++i)
            BOOST_TEST(others[static_cast<std::size_t>(i)].result(20s) == i);
        release.open();
    }
}

BOOST_AUTO_TEST_CASE(a_worker_that_spins_sees_the_end_of_its_pool) {
    ferry::thread_pool pool({.max_workers = 2, .spin = 1h});
    pool.submit([] {}).result();
    pool.shutdown();
    BOOST_TEST(pool.stats().workers == 0u);
}

BOOST_AUTO_TEST_CASE(what_several_threads_submit_one_by_one_is_all_run) {
    ferry::thread_pool pool(3);
    constexpr int each = 5000;
    std::atomic<int> ran{0};
    {
        std::vector<std::jthread> threads;
        for (int t = 0; t < 3; ++t)
            threads.emplace_back([&] {
                for (int i = 0; i < each; ++i)
                    pool.submit([&] { ++ran; }).result();
            });
    }
    BOOST_TEST(ran.load() == 3 * each);
}

BOOST_AUTO_TEST_CASE(what_does_not_pay_is_left_out_twice_as_long_each_time) {
    ferry::detail::skip_policy b;
    for (const int left_out : {0, 1, 3, 7}) {
        for (int i = 0; i < left_out; ++i)
            BOOST_TEST(!b.allows());
        BOOST_TEST(b.allows());
        b.failed();
    }
    b.reset();
    BOOST_TEST(b.allows());
}
