// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

// What all pools promise. A file that includes this one says before what it is run over: `pools`, and
// those of them that start their own workers, `pools_that_start_workers`.

#include <ferry/ferry.hpp>

#include "helpers/process_helpers.hpp"

#include <boost/test/unit_test.hpp>

#include <atomic>
#include <ranges>
#include <stdexcept>
#include <thread>
#include <vector>

BOOST_AUTO_TEST_CASE_TEMPLATE(map_is_in_order_and_stops_at_the_shortest, P,
                              pools) { // CF-MAP-01, -02
    P pool(2);
    std::vector<int> sums;
    for (int n :
         pool.map([](int a, int b) { return a + b; }, std::views::iota(1), std::vector{10, 20, 30}))
        sums.push_back(n);
    BOOST_TEST(sums == (std::vector{11, 22, 33}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_map_that_is_never_read_runs_all_the_same, P, pools) { // CF-MAP-10
    marker ran;
    {
        P pool(1);
        static_cast<void>(pool.map(touch, std::vector{ran.path()}));
    }
    BOOST_TEST(ran.touched());
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_map_that_was_left_cancels_what_has_not_started, P,
                              pools) { // CF-MAP-10, -25
    P pool(1);
    {
        auto results = pool.map(sleeping, std::vector(50, 20));
        static_cast<void>(*results.begin());
    }
    pool.shutdown();
    BOOST_TEST(pool.stats().cancelled >= 40u);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(after_shutdown_nothing_is_accepted, P, pools) { // CF-SHUT-01, -18
    P pool(1);
    auto f = pool.submit(sleeping, 50);
    pool.shutdown();
    BOOST_TEST(f.done()); // CF-SHUT-25
    pool.shutdown();
    BOOST_CHECK_THROW(pool.submit(triple, 1), ferry::shutdown_error);
    BOOST_CHECK_THROW(pool.map(triple, std::vector{1}), ferry::shutdown_error); // CF-MAP-23
    P unused(1);
    unused.shutdown();
    unused.shutdown();
}

BOOST_AUTO_TEST_CASE_TEMPLATE(many_threads_submit_map_and_cancel, P, pools) { // CF-SUB-13
    P pool(2);
    std::atomic<int> wrong = 0;
    const auto use = [&](int first) {
        for (int i = first; i < first + 50; ++i) {
            auto f = pool.submit(triple, i);
            int at = i;
            for (int n : pool.map(triple, std::vector{i, i + 1, i + 2}))
                wrong += n == 3 * at++ ? 0 : 1;
            if (!(i % 3 == 0 && f.cancel()))
                wrong += f.result(3min) == 3 * i ? 0 : 1;
        }
    };
    std::thread one(use, 0), two(use, 1000), three(use, 2000);
    for (auto* t : {&one, &two, &three})
        t->join();
    BOOST_TEST(wrong == 0);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(shutdown_from_several_threads_is_one_shutdown, P, pools) {
    P pool(2);
    std::vector<ferry::future<int>> some;
    for (int i = 0; i < 20; ++i)
        some.push_back(pool.submit(triple, i));
    std::vector<std::thread> enders;
    for (int i = 0; i < 4; ++i)
        enders.emplace_back([&pool] { pool.shutdown(); });
    for (auto& t : enders)
        t.join();
    for (auto& f : some)
        BOOST_TEST(f.done());
}

BOOST_AUTO_TEST_CASE_TEMPLATE(cancel_futures_leaves_nothing_pending, P, pools) { // CF-SHUT-05, -27
    marker go;
    P pool(2);
    std::vector<ferry::future<int>> some{pool.submit(triple, 1)};
    some.front().wait();
    for (int i = 1; i < 50; ++i)
        some.push_back(pool.submit(when_touched, go.path()));
    pool.shutdown({.wait = false, .cancel_futures = true});
    touch(go.path());
    pool.shutdown();
    int cancelled = 0, finished = 0;
    for (auto& f : some) {
        if (f.cancelled())
            ++cancelled;
        else
            finished += f.result(0s) > 0 ? 1 : 0;
    }
    BOOST_TEST(cancelled >= 47);
    BOOST_TEST(finished >= 1);
    BOOST_TEST(cancelled + finished == 50);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(results_outlive_the_pool, P, pools) { // CF-SHUT-10
    ferry::future<int> f;
    {
        P pool(1);
        f = pool.submit(triple, 5);
    }
    BOOST_TEST(f.result(0s) == 15);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(an_idle_worker_is_reused, P,
                              pools_that_start_workers) { // CF-TP-04, CF-PP-05
    P pool(4);
    for (int i = 0; i < 3; ++i)
        pool.submit(triple, i).result(3min);
    BOOST_TEST(pool.stats().workers == 1u);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(zero_workers_are_refused, P, pools_that_start_workers) { // CF-TP-02
    BOOST_CHECK_THROW(P(0), std::invalid_argument);
    BOOST_CHECK_THROW(P(static_cast<std::size_t>(-1)), std::invalid_argument);
}
