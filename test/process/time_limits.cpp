// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
// Timeouts, stop requests and ends of tasks that come at the same time.
#include <ferry/process_pool.hpp>

#define BOOST_TEST_MODULE time_limits
#define BOOST_TEST_NO_MAIN
#include "helpers/process_helpers.hpp"
#include "helpers/worker_main.hpp"

#include <stop_token>

using namespace std::chrono_literals;

BOOST_AUTO_TEST_CASE(a_timeout_as_the_task_ends_is_either_and_costs_no_other_task) {
    ferry::process_pool pool({.max_workers = 1, .kill_grace = 100ms});
    int values = 0;
    for (int i = 0; i < 60; ++i) {
        auto f = pool.submit({.timeout = 3ms}, sleeping, 2 + i % 3);
        auto next = pool.submit(triple, i);
        try {
            f.result(20s);
            ++values;
        } catch (const ferry::timeout_error&) {
        }
        BOOST_TEST(next.result(20s) == 3 * i);
    }
    BOOST_TEST_MESSAGE(values << " of 60 were in time");
}

BOOST_AUTO_TEST_CASE(a_late_request_to_stop_stops_no_other_task) {
    ferry::process_pool pool(1);
    for (int i = 0; i < 200; ++i) {
        auto first = pool.submit([](std::stop_token, int n) { return n; }, i);
        while (!first.done())
            first.request_stop();
        auto second = pool.submit([](std::stop_token stop) {
            std::this_thread::sleep_for(1ms);
            return stop.stop_requested();
        });
        BOOST_TEST(!second.result(20s));
        BOOST_TEST(first.result(0s) == i);
    }
}

// The task behind is not ended for the time that it waited there.
BOOST_AUTO_TEST_CASE(the_timeout_of_a_task_handed_out_behind_another_runs_from_its_start) {
    ferry::process_pool pool({.max_workers = 1, .kill_grace = 100ms});
    for (int i = 0; i < 200; ++i) // so that many are handed out at a time
        pool.submit(triple, i).result(20s);
    auto busy = pool.submit(sleeping, 300);
    auto in_time = pool.submit({.timeout = 100ms}, triple, 2);
    auto late = pool.submit({.timeout = 100ms}, sleeping, 60'000);
    auto after = pool.submit(triple, 3);
    BOOST_TEST(busy.result(20s) > 0);
    BOOST_TEST(in_time.result(20s) == 6);
    BOOST_CHECK_THROW(late.result(20s), ferry::timeout_error);
    BOOST_TEST(after.result(20s) == 9);
}

BOOST_AUTO_TEST_CASE(what_was_answered_before_the_worker_died_counts) {
    ferry::process_pool pool(1);
    for (int i = 0; i < 30; ++i) {
        auto f = pool.submit(
            [](int n) {
                std::thread([] {
                    std::this_thread::sleep_for(std::chrono::microseconds(200));
                    ::_exit(1);
                }).detach();
                return n;
            },
            i);
        try {
            BOOST_TEST(f.result(20s) == i);
        } catch (const ferry::worker_died&) { // before it had answered
        }
        for (;;) { // one that was handed out before the death may die with it
            try {
                BOOST_TEST(pool.submit(triple, i).result(20s) == 3 * i);
                break;
            } catch (const ferry::worker_died&) {
            }
        }
    }
}
