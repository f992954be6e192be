// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include <ferry/task_options.hpp>

#include <ferry/thread_pool.hpp>

#include "helpers/gate.hpp"

#define BOOST_TEST_MODULE task_options
#include <boost/test/unit_test.hpp>

#include <atomic>
#include <pthread.h>
#include <thread>

using namespace ferry;
using namespace std::chrono_literals;

namespace {

std::string what(const std::exception_ptr& e) {
    try {
        std::rethrow_exception(e);
    } catch (const std::exception& x) {
        return x.what();
    }
}

} // namespace

BOOST_AUTO_TEST_CASE(a_rejected_task_is_named) {
    gate go, started;
    thread_pool pool({.max_workers = 1, .max_queue = 1, .when_full = when_full::reject});
    auto busy = pool.submit([&] {
        started.open();
        go.pass();
    });
    started.pass();
    auto queued = pool.submit([] {});
    try {
        pool.submit({.label = "report"}, [] {});
        BOOST_ERROR("the queue is full");
    } catch (const queue_full_error& e) {
        BOOST_TEST(std::string(e.what()).find("report") != std::string::npos);
    }
    queued.cancel(); // makes room at once
    BOOST_TEST(pool.submit([] {}).valid());
    go.open();
}

BOOST_AUTO_TEST_CASE(a_cancelled_or_late_task_is_named) {
    gate go;
    thread_pool pool(1);
    auto busy = pool.submit({.label = "blocker"}, [&] { go.pass(); });
    auto queued = pool.submit({.label = "report"}, [] {});
    try {
        queued.result(1ms);
        BOOST_FAIL("it is queued");
    } catch (const timeout_error& e) {
        BOOST_TEST(std::string(e.what()).find("'report' is pending") != std::string::npos);
    }
    queued.cancel();
    try {
        queued.result();
        BOOST_FAIL("it is cancelled");
    } catch (const cancelled_error& e) {
        BOOST_TEST(std::string(e.what()).find("report") != std::string::npos);
    }
    go.open();
}

BOOST_AUTO_TEST_CASE(a_run_that_takes_too_long_fails_and_keeps_its_slot) { // CF-TMO-22
    gate go;
    std::atomic<bool> finished{false};
    auto held = std::make_shared<int>(0);
    thread_pool pool(1);
    auto f = pool.submit({.label = "slow", .timeout = 5ms}, [&, held] {
        go.pass();
        finished = true;
    });
    auto next = pool.submit([&] { return finished.load(); });
    gate told;
    f.add_done_callback([&](future<void> done) {
        if (done.exception() != nullptr)
            told.open();
    });
    BOOST_CHECK_THROW(f.result(), timeout_error);
    BOOST_TEST(what(f.exception()).find("slow") != std::string::npos);
    BOOST_TEST(!next.done());
    go.open();
    BOOST_TEST(next.result());
    told.pass();
    BOOST_TEST(held.use_count() == 1);
    BOOST_TEST(pool.submit({.timeout = 1h}, [] { return 3; }).result() == 3);
}

BOOST_AUTO_TEST_CASE(a_run_that_takes_too_long_is_asked_to_stop) {
    gate asked;
    thread_pool pool(1);
    auto f = pool.submit({.timeout = 5ms}, [&](std::stop_token t) {
        std::stop_callback on_stop(t, [&] { asked.open(); });
        asked.pass();
        return std::string("a value that nobody gets");
    });
    BOOST_CHECK_THROW(f.result(), timeout_error);
    pool.shutdown();
}

BOOST_AUTO_TEST_CASE(a_task_that_did_not_start_in_time_never_runs) { // CF-TP-17
    gate go;
    thread_pool pool(1);
    bool ran = false;
    auto busy = pool.submit([&] { go.pass(); });
    auto late = pool.submit({.label = "stale", .start_by = std::chrono::steady_clock::now() + 5ms},
                            [&] { ran = true; });
    BOOST_CHECK_THROW(late.result(), timeout_error);
    BOOST_TEST(what(late.exception()).find("stale") != std::string::npos);
    auto past =
        pool.submit({.start_by = std::chrono::steady_clock::now() - 1s}, [&] { ran = true; });
    BOOST_CHECK_THROW(past.result(), timeout_error);
    auto in_time =
        pool.submit({.start_by = std::chrono::steady_clock::now() + 1h}, [] { return 1; });
    go.open();
    BOOST_TEST(in_time.result() == 1);
    pool.shutdown();
    BOOST_TEST(!ran);
}

BOOST_AUTO_TEST_CASE(what_was_to_start_in_the_past_never_runs) {
    using point = std::chrono::steady_clock::time_point;
    thread_pool pool(2); // with nothing else to do
    std::atomic<int> ran = 0;
    for (int i = 0; i < 200; ++i) {
        for (const point at : {point::min(), std::chrono::steady_clock::now()}) {
            const auto f = pool.submit({.start_by = at}, [&] { ++ran; });
            BOOST_CHECK_THROW(f.result(), timeout_error);
        }
    }
    BOOST_TEST(pool.submit({.start_by = point::max()}, [] { return 1; }).result() == 1);
    pool.shutdown();
    BOOST_TEST(ran == 0);
}

BOOST_AUTO_TEST_CASE(expiry_and_start_race) {
    thread_pool pool(2);
    std::atomic<int> ran{0};
    int expired = 0, done = 0;
    std::vector<future<void>> all;
    for (int i = 0; i < 2000; ++i)
        all.push_back(
            pool.submit({.start_by = std::chrono::steady_clock::now() + 20us}, [&] { ++ran; }));
    for (auto& f : all)
        ++(f.exception() ? expired : done);
    pool.shutdown();
    BOOST_TEST(ran == done);
    BOOST_TEST(expired + done == 2000);
}

BOOST_AUTO_TEST_CASE(timeout_and_end_race) {
    thread_pool pool(2);
    for (int i = 0; i < 2000; ++i) {
        auto f = pool.submit({.timeout = 10us}, [] { return std::make_unique<int>(1); });
        f.wait();
        BOOST_REQUIRE(f.done());
    }
}

BOOST_AUTO_TEST_CASE(higher_priorities_run_first_and_each_in_order) { // CF-TP-17
    gate go, started;
    thread_pool pool(1);
    std::vector<std::string> order;
    pool.submit([&] {
        started.open();
        go.pass();
    });
    started.pass();
    const auto note = [&](const char* name) { order.emplace_back(name); };
    pool.submit(note, "a");
    pool.submit({.priority = -1}, note, "low");
    pool.submit({.priority = 2}, note, "high 1");
    pool.submit(note, "b");
    pool.submit({.priority = 2}, note, "high 2");
    pool.submit({.priority = 1}, note, "middle");
    go.open();
    pool.shutdown();
    BOOST_TEST((order == std::vector<std::string>{"high 1", "high 2", "middle", "a", "b", "low"}));
}

BOOST_AUTO_TEST_CASE(a_task_that_ends_its_thread_breaks_its_promise_and_nothing_else) {
    thread_pool pool(1);
    auto f = pool.submit({.label = "leaver"}, [] { pthread_exit(nullptr); });
    BOOST_CHECK_THROW(f.result(), broken_promise);
    BOOST_TEST(pool.submit([] { return 1; }).result() == 1);
}

BOOST_AUTO_TEST_CASE(a_timeout_that_a_task_throws_itself_comes_from_a_done_future) { // CF-TMO-06
    thread_pool pool(1);
    auto f = pool.submit([] { throw timeout_error("the task's own"); });
    BOOST_CHECK_EXCEPTION(f.result(1h), timeout_error, [](const auto& e) {
        return std::string(e.what()).find("the task's own") != std::string::npos;
    });
    BOOST_TEST(f.done());
}
