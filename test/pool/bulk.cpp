// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include <ferry/ferry.hpp>

#include "helpers/gate.hpp"

#define BOOST_TEST_MODULE bulk
#include <boost/test/unit_test.hpp>

#include <atomic>
#include <functional>
#include <iterator>
#include <memory>
#include <ranges>
#include <vector>

using namespace ferry;

BOOST_AUTO_TEST_CASE(each_callable_has_its_future) {
    thread_pool pool(2);
    const auto calls = std::views::iota(0, 1000) |
                       std::views::transform([](int i) { return [i] { return 2 * i; }; });
    const auto futures = pool.submit_bulk(calls);
    BOOST_TEST(futures.size() == 1000u);
    for (std::size_t i = 0; i != futures.size(); ++i)
        BOOST_TEST(futures[i].result() == 2 * static_cast<int>(i));
    BOOST_TEST(pool.submit_bulk(std::vector<int (*)()>()).empty());
}

BOOST_AUTO_TEST_CASE(all_workers_are_used) {
    thread_pool pool(4);
    std::atomic<int> there{0};
    gate all;
    std::vector<std::function<void()>> calls(4, [&] {
        if (++there == 4)
            all.open();
        all.pass(); // passes only if four of them run at once
    });
    for (auto& f : pool.submit_bulk(calls))
        f.result();
    BOOST_TEST(pool.stats().completed == 4u);
}

BOOST_AUTO_TEST_CASE(they_are_cancelled_and_fail_one_by_one) {
    thread_pool pool(1);
    gate go;
    auto busy = pool.submit([&] { go.pass(); });
    std::vector<std::function<int()>> calls{[] { return 1; }, []() -> int { throw 2; },
                                            [] { return 3; }};
    auto futures = pool.submit_bulk(calls);
    BOOST_TEST(futures[0].cancel());
    go.open();
    BOOST_CHECK_THROW(futures[1].result(), int);
    BOOST_TEST(futures[2].result() == 3);
    BOOST_TEST(futures[0].cancelled());
}

BOOST_AUTO_TEST_CASE(move_only_callables_are_moved_from_rvalues) {
    thread_pool pool(1);
    struct owner {
        std::unique_ptr<int> n;
        int operator()() { return *n; }
    };
    std::vector<owner> calls;
    calls.push_back({std::make_unique<int>(5)});
    auto futures = pool.submit_bulk(std::ranges::subrange(std::make_move_iterator(calls.begin()),
                                                          std::make_move_iterator(calls.end())));
    BOOST_TEST(futures.at(0).result() == 5);
}

BOOST_AUTO_TEST_CASE(a_pool_that_was_shut_down_takes_none) {
    thread_pool pool(1);
    pool.shutdown();
    BOOST_CHECK_THROW(pool.submit_bulk(std::vector<void (*)()>{[] {}}), shutdown_error);
}

BOOST_AUTO_TEST_CASE(those_that_a_bounded_pool_refuses_say_so) {
    thread_pool pool({.max_workers = 1, .max_queue = 2, .when_full = when_full::reject});
    gate go, started;
    auto busy = pool.submit([&] {
        started.open();
        go.pass();
    });
    started.pass();
    const auto futures = pool.submit_bulk(std::vector<void (*)()>(3, [] {}));
    BOOST_CHECK_THROW(futures[2].result(), queue_full_error);
    go.open();
    futures[0].result();
    futures[1].result();
}

BOOST_AUTO_TEST_CASE(they_see_the_values_of_where_they_were_submitted) {
    context_value<int> number;
    thread_pool pool(2);
    const auto seen = [&] { return number.get() != nullptr ? *number.get() : 0; };
    const auto here = number.set(7);
    const std::vector<int> input(100);
    for (auto& f : pool.submit_bulk(std::vector(100, seen)))
        BOOST_TEST(f.result() == 7);
    for (const int n : pool.map([&](int) { return seen(); }, input)) // which are queued in batches
        BOOST_TEST(n == 7);
}
