// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#define BOOST_TEST_MODULE wake_up
#include "support/wake_up.hpp"

#include <boost/test/unit_test.hpp>

using ferry::detail::look_policy;
using ferry::detail::wake_up_estimate;
using namespace std::chrono_literals;

BOOST_AUTO_TEST_CASE(the_estimate_follows_the_wake_ups_that_happen) {
    wake_up_estimate e;
    for (const std::chrono::nanoseconds usual : {2us, 10us, 50us, 100us, 10us, 2us, 100us, 50us}) {
        for (int i = 0; i < 60; ++i)
            e.note(usual);
        BOOST_TEST(e.get() > usual * 3 / 4);
        BOOST_TEST(e.get() < usual * 5 / 4);
    }
}

BOOST_AUTO_TEST_CASE(a_thread_that_waited_for_its_processor_hardly_changes_it) {
    wake_up_estimate e;
    for (int i = 0; i < 200; ++i)
        e.note(i % 4 == 0 ? 4ms : 10us);
    BOOST_TEST(e.get() > 7us);
    BOOST_TEST(e.get() < 14us);
}

BOOST_AUTO_TEST_CASE(the_estimate_has_limits) {
    wake_up_estimate e;
    for (int i = 0; i < 100; ++i)
        e.note(1h);
    BOOST_TEST(e.get() == wake_up_estimate::longest);
    for (int i = 0; i < 100; ++i)
        e.note(0ns);
    BOOST_TEST(e.get() == wake_up_estimate::shortest);
}

// How often it sleeps at once until it looks, which then fails.
static int sleeps_before_a_failure(look_policy& p) {
    for (int n = 0; n < 2000; ++n) {
        if (p.time({.together = false, .wake_up = 10us}) != 0ns) {
            p.looked(false);
            return n;
        }
    }
    return -1;
}

BOOST_AUTO_TEST_CASE(a_look_takes_as_long_as_a_wake_up) {
    look_policy p;
    for (const auto wake_up : {2us, 10us, 50us, 100us})
        BOOST_TEST(p.time({.together = false, .wake_up = wake_up}) == wake_up);
}

BOOST_AUTO_TEST_CASE(nobody_looks_for_a_thread_that_needs_the_same_processor) {
    look_policy p;
    BOOST_TEST(sleeps_before_a_failure(p) == 0); // one turn is left out from here on
    for (int i = 0; i < 10; ++i)
        BOOST_TEST(p.time({.together = true, .wake_up = 10us}) == 0ns);
    BOOST_TEST(sleeps_before_a_failure(p) == 1); // which used up no turn
}

BOOST_AUTO_TEST_CASE(what_fails_is_left_out_twice_as_often_each_time) {
    look_policy p;
    for (const int expected : {0, 1, 3, 7, 15, 31, 63, 127, 127})
        BOOST_TEST(sleeps_before_a_failure(p) == expected);
    p.looked(true);
    BOOST_TEST(sleeps_before_a_failure(p) == 0);
}

BOOST_AUTO_TEST_CASE(what_pays_is_done_again) {
    look_policy p;
    for (int i = 0; i < 100; ++i) {
        BOOST_TEST(p.time({.together = false, .wake_up = 10us}) == 10us);
        p.looked(true);
    }
}

BOOST_AUTO_TEST_CASE(a_look_ends_with_what_it_looks_for_or_with_its_time) {
    int looks = 0;
    BOOST_TEST(ferry::detail::look_for(0ns, [&] { return ++looks == 1; })); // looks before time
    BOOST_TEST(looks == 1);
    BOOST_TEST(ferry::detail::look_for(1h, [&] { return ++looks == 100; }));
    BOOST_TEST(looks == 100);
    BOOST_TEST(!ferry::detail::look_for(1ms, [] { return false; }));
}
