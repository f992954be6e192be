// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#define BOOST_TEST_MODULE start_policy
#include <boost/test/unit_test.hpp>

#include "process/start_policy.hpp"

using namespace std::chrono_literals;
using ferry::detail::start_policy;
using reason = start_policy::reason;

// Steps through failed starts with a clock of its own.

BOOST_AUTO_TEST_CASE(the_delay_doubles_from_10_ms_to_a_second) {
    start_policy p;
    const start_policy::clock::time_point now{};
    for (const auto expected :
         {10ms, 20ms, 40ms, 80ms, 160ms, 320ms, 640ms, 1000ms, 1000ms, 1000ms})
        BOOST_CHECK(p.failed(now, reason::unknown, true) == now + expected);
    BOOST_TEST(p.failures() == 10u);
    for (int n = 0; n < 100; ++n)
        BOOST_CHECK(p.failed(now, reason::unknown, true) == now + 1000ms);
}

BOOST_AUTO_TEST_CASE(a_worker_that_starts_begins_the_row_anew) {
    start_policy p;
    start_policy::clock::time_point now{};
    for (int n = 0; n < 50; ++n) {
        BOOST_TEST(p.failed(now, reason::unknown, false).has_value());
        now += 1s;
        BOOST_CHECK(p.failed(now, reason::unknown, false) == now + 20ms);
        now += 1h;
        p.started();
        BOOST_TEST(p.failures() == 0u);
    }
    BOOST_CHECK(p.failed(now, reason::unknown, false) == now + 10ms);
}

BOOST_AUTO_TEST_CASE(failures_for_two_seconds_break_a_pool_without_workers) {
    start_policy p;
    start_policy::clock::time_point now{1h};
    const auto first = now;
    unsigned failures = 0;
    for (;;) {
        const auto again = p.failed(now, reason::unknown, false);
        ++failures;
        if (!again)
            break;
        BOOST_REQUIRE(now - first < 2s);
        BOOST_REQUIRE(*again > now);
        now = *again;
    }
    BOOST_CHECK(now - first >= 2s);
    BOOST_TEST(p.failures() == failures);
    BOOST_TEST(failures > start_policy::tolerated_failures);
}

BOOST_AUTO_TEST_CASE(an_initializer_that_fails_breaks_it_after_half_a_second) {
    start_policy p;
    const start_policy::clock::time_point start{1h};
    BOOST_TEST(p.failed(start, reason::initializer, false).has_value());
    BOOST_TEST(p.failed(start + 499ms, reason::initializer, false).has_value());
    BOOST_TEST(p.failed(start + 499ms, reason::initializer, false).has_value());
    BOOST_TEST(p.failed(start + 500ms, reason::unknown, false).has_value()); // nothing says why
    BOOST_TEST(!p.failed(start + 500ms, reason::initializer, false).has_value());
}

BOOST_AUTO_TEST_CASE(two_failures_break_nothing_however_far_apart) {
    start_policy p;
    const start_policy::clock::time_point start{};
    BOOST_TEST(p.failed(start, reason::initializer, false).has_value());
    BOOST_TEST(p.failed(start + 1h, reason::initializer, false).has_value());
    BOOST_TEST(!p.failed(start + 2h, reason::initializer, false).has_value());
}

BOOST_AUTO_TEST_CASE(no_failure_breaks_a_pool_in_which_a_worker_lives) {
    start_policy p;
    start_policy::clock::time_point now{};
    for (int n = 0; n < 100; ++n, now += 1s)
        BOOST_TEST(p.failed(now, reason::initializer, true).has_value());
    BOOST_TEST(!p.failed(now, reason::initializer, false).has_value());
}
