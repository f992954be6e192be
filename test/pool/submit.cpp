// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include <ferry/submit.hpp>

#include "helpers/gate.hpp"

#define BOOST_TEST_MODULE submit
#include <boost/asio/defer.hpp>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/system_executor.hpp>
#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <thread>

using namespace ferry;
using namespace std::chrono_literals;
namespace asio = boost::asio;

BOOST_AUTO_TEST_CASE(any_executor_gives_a_future) {
    thread_pool pool(2);
    asio::thread_pool other(1);
    asio::io_context io;
    BOOST_TEST(submit(pool, [] { return 1; }).result() == 1);
    BOOST_TEST(submit(pool.get_executor(), [] { return 2; }).result() == 2);
    BOOST_TEST(submit(other, [](int n) { return n; }, 3).result() == 3);
    BOOST_TEST(submit(asio::system_executor(), [] { return 4; }).result() == 4);
    BOOST_TEST(submit(asio::any_io_executor(pool.get_executor()), [] { return 5; }).result() == 5);
    auto f = submit(io, [] { return 6; });
    BOOST_TEST(!f.done());
    io.run();
    BOOST_TEST(f.result() == 6);
    auto g = submit(other, []() -> int { throw std::out_of_range("x"); });
    BOOST_CHECK_THROW(g.result(), std::out_of_range);
}

BOOST_AUTO_TEST_CASE(calls_on_a_strand_keep_their_order_and_never_overlap) {
    thread_pool pool(4);
    auto strand = asio::make_strand(pool);
    std::vector<int> order;
    std::vector<future<void>> all;
    for (int i = 0; i < 1000; ++i)
        all.push_back(submit(strand, [&order, i] { order.push_back(i); }));
    for (auto& f : all)
        f.result();
    BOOST_TEST(order.size() == 1000u);
    BOOST_TEST(std::ranges::is_sorted(order));
}

BOOST_AUTO_TEST_CASE(waiting_on_a_strand_for_the_same_strand_is_refused) {
    thread_pool pool(2);
    auto strand = asio::make_strand(pool);
    asio::any_io_executor any = strand;
    auto outer = submit(strand, [&] {
        auto inner = submit(strand, [] {});
        auto same = submit(any, [] {});
        BOOST_CHECK_THROW(inner.result(), would_deadlock);
        BOOST_CHECK_THROW(same.result(), would_deadlock);
        BOOST_CHECK_THROW(inner.result(0s), timeout_error);
        return inner;
    });
    outer.result().result();
}

BOOST_AUTO_TEST_CASE(a_call_that_is_destroyed_unrun_fails) { // CF-ASY-27
    future<int> f;
    {
        asio::io_context io;
        f = submit({.label = "lost"}, io, [] { return 1; });
    }
    try {
        f.result();
        BOOST_FAIL("it cannot have run");
    } catch (const broken_promise& e) {
        BOOST_TEST(std::string(e.what()).find("lost") != std::string::npos);
    }
}

BOOST_AUTO_TEST_CASE(shutdown_completes_what_stands_on_a_strand) { // CF-SHUT-04
    for (int round = 0; round < 200; ++round) {
        std::vector<future<int>> all;
        {
            thread_pool pool(2);
            auto strand = asio::make_strand(pool);
            for (int i = 0; i < 20; ++i)
                all.push_back(submit(strand, [i] { return i; }));
            pool.shutdown();
            for (auto& f : all)
                BOOST_REQUIRE(f.done());
            BOOST_REQUIRE_THROW(submit(strand, [] {}), shutdown_error);
        }
        for (int i = 0; i < 20; ++i)
            BOOST_REQUIRE(all[static_cast<std::size_t>(i)].result() == i);
    }
}

BOOST_AUTO_TEST_CASE(shutdown_can_cancel_what_stands_on_a_strand) { // CF-SHUT-05
    gate go, started;
    thread_pool pool(1);
    auto strand = asio::make_strand(pool);
    auto first = submit(strand, [&] {
        started.open();
        go.pass();
    });
    std::vector<future<void>> rest;
    for (int i = 0; i < 10; ++i)
        rest.push_back(submit(strand, [] {}));
    started.pass();
    pool.shutdown({.wait = false, .cancel_futures = true});
    for (auto& f : rest)
        BOOST_TEST(f.cancelled());
    go.open();
    pool.shutdown();
    BOOST_TEST(first.done());
}

BOOST_AUTO_TEST_CASE(submitting_to_a_strand_races_with_shutdown) {
    for (int round = 0; round < 500; ++round) {
        thread_pool pool(2);
        auto strand = asio::make_strand(pool);
        std::vector<future<void>> all;
        std::jthread submitter([&] {
            try {
                for (;;)
                    all.push_back(submit(strand, [] {}));
            } catch (const shutdown_error&) {
            }
        });
        pool.shutdown({.cancel_futures = round % 2 == 0});
        submitter.join();
        for (auto& f : all)
            BOOST_REQUIRE(f.done());
    }
}

BOOST_AUTO_TEST_CASE(the_pool_is_an_asio_execution_context) { // CF-TP-20
    gate done;
    thread_pool pool(2);
    std::atomic<int> n{0};
    asio::post(pool, [&] {
        ++n;
        BOOST_TEST(pool.get_executor().running_in_this_thread());
        asio::dispatch(pool, [&] { ++n; });
        BOOST_TEST(n == 2);
        asio::defer(pool, [&] {
            ++n;
            done.open();
        });
    });
    done.pass();
    BOOST_TEST(n == 3);
    BOOST_TEST(!pool.get_executor().running_in_this_thread());
    BOOST_TEST(&asio::query(pool.get_executor(), asio::execution::context) == &pool);
    auto guard = asio::make_work_guard(pool);
    pool.shutdown();
    auto held = std::make_shared<int>(0);
    asio::post(pool, [held] {});
    BOOST_TEST(held.use_count() == 1);
}

BOOST_AUTO_TEST_CASE(a_posted_function_that_throws_ends_nothing) { // CF-TP-11
    std::atomic<int> reported{0};
    auto previous = set_unhandled_callback([&](std::exception_ptr) { ++reported; });
    {
        thread_pool pool(1);
        asio::post(pool, [] { throw 1; });
        BOOST_TEST(pool.submit([] { return 1; }).result() == 1);
    }
    BOOST_TEST(reported == 1);
    set_unhandled_callback(previous);
}
