// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#define BOOST_TEST_MODULE idle_policy
#include "pool/idle_policy.hpp"

#include <boost/test/unit_test.hpp>

#include <array>
#include <ostream>

using ferry::detail::idle_policy;
using action = ferry::detail::idle_policy::action;
using namespace std::chrono_literals;

namespace ferry::detail {

std::ostream& operator<<(std::ostream& to, idle_policy::action a) {
    static constexpr std::array names{"sleep", "yield", "spin_short", "spin_long"};
    return to << names[static_cast<std::size_t>(a)];
}

} // namespace ferry::detail

// How often it sleeps until it tries a long spin, which then does not pay.
static int sleeps_before_a_failure(idle_policy& p) {
    for (int n = 0; n < 2000; ++n) {
        if (p.decide({}) == action::spin_long) {
            p.spun_long(idle_policy::long_spin);
            return n;
        }
    }
    return -1;
}

BOOST_AUTO_TEST_CASE(on_the_submitter_s_processor_it_yields_whatever_else_there_is) {
    idle_policy p;
    for (const unsigned items : {0u, 1u, idle_policy::stream, 1000u}) {
        for (const bool found : {false, true})
            BOOST_TEST(p.decide({true, items, found}) == action::yield);
    }
}

BOOST_AUTO_TEST_CASE(in_a_stream_of_items_it_looks_for_a_moment) {
    idle_policy p;
    BOOST_TEST(p.decide({false, idle_policy::stream, false}) == action::spin_short);
    BOOST_TEST(p.decide({false, 1000, false}) == action::spin_short);
    BOOST_TEST(p.decide({false, idle_policy::stream - 1, false}) == action::spin_long);
}

BOOST_AUTO_TEST_CASE(where_looking_paid_it_looks_again) {
    idle_policy p;
    for (int i = 0; i < 100; ++i)
        BOOST_TEST(p.decide({false, 1, true}) == action::spin_short);
}

BOOST_AUTO_TEST_CASE(a_long_spin_that_does_not_pay_is_left_out_twice_as_often_each_time) {
    idle_policy p;
    for (const int expected : {0, 1, 3, 7, 15, 31, 63, 127, 255, 511, 1023, 1023})
        BOOST_TEST(sleeps_before_a_failure(p) == expected);
}

BOOST_AUTO_TEST_CASE(a_long_spin_that_pays_is_done_again) {
    idle_policy p;
    for (int i = 0; i < 100; ++i) {
        BOOST_TEST(p.decide({}) == action::spin_long);
        p.spun_long(idle_policy::soon - 1ns);
    }
    p.spun_long(idle_policy::soon);
    BOOST_TEST(p.decide({}) == action::sleep);
}

BOOST_AUTO_TEST_CASE(a_stream_of_items_makes_long_spins_worth_trying_again) {
    idle_policy p;
    for (int i = 0; i < 5; ++i)
        static_cast<void>(sleeps_before_a_failure(p));
    BOOST_TEST(p.decide({}) == action::sleep);
    BOOST_TEST(p.decide({false, idle_policy::stream, false}) == action::spin_short);
    BOOST_TEST(p.decide({}) == action::spin_long);
}

BOOST_AUTO_TEST_CASE(what_is_decided_otherwise_uses_up_no_turn_of_the_long_spins) {
    idle_policy p;
    BOOST_TEST(sleeps_before_a_failure(p) == 0); // one turn is left out from here on
    for (int i = 0; i < 10; ++i) {
        static_cast<void>(p.decide({true, 0, false}));
        static_cast<void>(p.decide({false, 1, true}));
    }
    BOOST_TEST(p.decide({}) == action::sleep);
    BOOST_TEST(p.decide({}) == action::spin_long);
}
