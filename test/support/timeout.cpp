// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include <ferry/timeout.hpp>

#define BOOST_TEST_MODULE timeout
#include <boost/test/unit_test.hpp>

#include <limits>

using namespace std::chrono_literals;
using ferry::timeout;

// CF-TMO-04
static_assert(timeout::clock::is_steady);
static_assert(std::is_same_v<decltype(timeout().deadline()),
                             std::optional<std::chrono::steady_clock::time_point>>);

// CF-TMO-23
template <class T>
constexpr bool usable = std::is_convertible_v<T, timeout>;
static_assert(usable<std::chrono::hours> && usable<std::chrono::duration<float>>);
static_assert(!usable<int> && !usable<double> && !usable<const char*> &&
              !usable<std::chrono::system_clock::time_point>);

BOOST_AUTO_TEST_CASE(durations_beyond_the_clock_are_no_limit) { // CF-TMO-01
    BOOST_TEST(!timeout().limited());
    BOOST_TEST(!timeout(std::chrono::hours::max()).deadline().has_value());
    BOOST_TEST(!timeout(std::chrono::nanoseconds::max()).deadline().has_value());
    const auto seconds = [](double n) { return std::chrono::duration<double>(n); };
    const double infinity = std::numeric_limits<double>::infinity();
    BOOST_TEST(!timeout(seconds(infinity)).limited());
    BOOST_TEST(!timeout(seconds(std::numeric_limits<double>::quiet_NaN())).limited());
    BOOST_TEST(!timeout(seconds(std::numeric_limits<double>::max())).limited());
    BOOST_TEST((timeout(seconds(-infinity)).limit() == 0ns));
    BOOST_TEST((timeout(std::chrono::hours::min()).limit() == 0ns));
    BOOST_TEST((timeout(std::chrono::nanoseconds::min()).limit() == 0ns));
    BOOST_TEST((timeout(seconds(std::numeric_limits<double>::denorm_min())).limit() == 1ns));
}

BOOST_AUTO_TEST_CASE(a_limit_is_told_in_its_largest_unit) {
    const auto text = [](timeout t) { return ferry::detail::text_of(t); };
    BOOST_TEST(text(50ms) == "50ms");
    BOOST_TEST(text(1500ms) == "1500ms");
    BOOST_TEST(text(2min) == "120s");
    BOOST_TEST(text(7us) == "7us");
    BOOST_TEST(text(1001ns) == "1001ns");
    BOOST_TEST(text(-1s) == "0s");
    BOOST_TEST(text({}) == "no limit");
}

BOOST_AUTO_TEST_CASE(negative_is_zero_and_fractions_round_up) { // CF-TMO-01
    BOOST_TEST((timeout(-5s).limit() == 0ns));
    BOOST_TEST((timeout(std::chrono::duration<double, std::nano>(1.25)).limit() == 2ns));
    BOOST_TEST((timeout(0.5s).limit() == 500ms));
}
