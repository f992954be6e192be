// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include <ferry/timeout.hpp>

#define BOOST_TEST_MODULE timeout
#include <boost/test/unit_test.hpp>

using namespace std::chrono_literals;
using ferry::timeout;

BOOST_AUTO_TEST_CASE(durations_beyond_the_clock_are_no_limit) { // CF-TMO-01
    BOOST_TEST(!timeout().limited());
    BOOST_TEST(!timeout(std::chrono::hours::max()).deadline().has_value());
    BOOST_TEST(!timeout(std::chrono::nanoseconds::max()).deadline().has_value());
}

BOOST_AUTO_TEST_CASE(negative_is_zero_and_fractions_round_up) { // CF-TMO-01
    BOOST_TEST((timeout(-5s).limit() == 0ns));
    BOOST_TEST((timeout(std::chrono::duration<double, std::nano>(1.25)).limit() == 2ns));
    BOOST_TEST((timeout(0.5s).limit() == 500ms));
}
