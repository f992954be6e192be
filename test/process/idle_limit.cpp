// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#define BOOST_TEST_MODULE idle_limit
#include <boost/test/unit_test.hpp>

#include "process/idle_limit.hpp"

using namespace std::chrono_literals;
using ferry::detail::idle_limit;

// Steps through the life of a worker with a clock of its own.

namespace {

constexpr idle_limit::clock::time_point start{1h};

} // namespace

BOOST_AUTO_TEST_CASE(without_a_limit_nothing_is_set) {
    BOOST_TEST(!idle_limit({}).is_set());
    BOOST_TEST(idle_limit(0s).is_set());
}

BOOST_AUTO_TEST_CASE(a_worker_that_stays_idle_ends_when_its_time_is_over) {
    idle_limit w(10s);
    const auto at = w.rests(start);
    BOOST_CHECK(at == start + 10s);
    BOOST_TEST(!w.next_check(at, true).has_value());
}

BOOST_AUTO_TEST_CASE(its_time_begins_anew_with_its_last_task) {
    idle_limit w(10s);
    const auto first = w.rests(start);
    w.rests(start + 4s); // a task ended, and the timer stays as it is
    const auto again = w.next_check(first, true);
    BOOST_REQUIRE(again.has_value());
    BOOST_CHECK(*again == start + 14s);
    BOOST_TEST(!w.next_check(*again, true).has_value());
}

BOOST_AUTO_TEST_CASE(a_busy_worker_is_looked_at_again_and_never_without_pause) {
    for (const auto limit : {0ms, 1ms, 250ms, 10'000ms}) {
        idle_limit w(limit);
        auto now = w.rests(start);
        for (int i = 0; i < 100; ++i) {
            const auto again = w.next_check(now, false);
            BOOST_REQUIRE(again.has_value());
            BOOST_TEST((*again - now >= idle_limit::patience && *again - now >= limit));
            now = *again;
        }
    }
}

BOOST_AUTO_TEST_CASE(no_time_at_all_ends_it_at_once) {
    idle_limit w(0s);
    BOOST_TEST(!w.next_check(w.rests(start), true).has_value());
}

BOOST_AUTO_TEST_CASE(a_time_beyond_the_clock_never_comes) {
    idle_limit w(std::chrono::nanoseconds(3'999'999'999'999'999'999));
    const auto late = idle_limit::clock::time_point::max() - 1h;
    const auto at = w.rests(late);
    BOOST_CHECK(at == idle_limit::clock::time_point::max());
    BOOST_CHECK(w.next_check(late, false) == idle_limit::clock::time_point::max());
    BOOST_TEST(w.next_check(late, true).has_value());
}
