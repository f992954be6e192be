// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include <ferry/resilience/backoff.hpp>

#define BOOST_TEST_MODULE backoff
#include <boost/test/unit_test.hpp>

#include <cmath>
#include <limits>
#include <vector>

using namespace ferry;
using namespace std::chrono_literals;

namespace {

constexpr std::size_t endless = std::numeric_limits<std::size_t>::max();
constexpr double infinity = std::numeric_limits<double>::infinity();

std::vector<std::chrono::nanoseconds> delays(backoff pause, std::size_t count, double random = 0) {
    std::vector<std::chrono::nanoseconds> result;
    while (result.size() < count) {
        const auto delay = pause.next(random);
        if (!delay)
            break;
        result.push_back(*delay);
    }
    return result;
}

bool are(const std::vector<std::chrono::nanoseconds>& got,
         const std::vector<std::chrono::nanoseconds>& expected) {
    return got == expected;
}

/// What the refusal says; empty when there is none.
std::string refusal(const retry_policy& policy) {
    try {
        backoff pause(policy);
    } catch (const std::invalid_argument& e) {
        return e.what();
    }
    return {};
}

bool names(const std::string& text, const std::string& member, const std::string& value) {
    return text.find(member + " is " + value) != std::string::npos;
}

} // namespace

BOOST_AUTO_TEST_CASE(delays_grow_by_the_factor_up_to_the_longest) {
    BOOST_TEST(are(
        delays(
            backoff({.max_attempts = endless, .base_delay = 100ms, .factor = 3, .max_delay = 1s}),
            5),
        {100ms, 300ms, 900ms, 1s, 1s}));
    BOOST_TEST(are(delays(backoff({.base_delay = 2s, .max_delay = 1s}), 2), {1s, 1s}));
    BOOST_TEST(are(delays(backoff({.base_delay = 1.5ms, .factor = 1}), 2), {1500us, 1500us}));
    BOOST_TEST(are(delays(backoff({.base_delay = 1h, .max_delay = std::nullopt}), 2), {1h, 2h}));
}

BOOST_AUTO_TEST_CASE(after_the_last_attempt_there_is_no_delay) {
    backoff pause({.max_attempts = 3});
    BOOST_TEST(pause.next().has_value());
    BOOST_TEST(pause.next().has_value());
    BOOST_TEST(!pause.next().has_value());
    BOOST_TEST(!pause.next().has_value());
    BOOST_TEST(pause.failures() == 3u);
    BOOST_TEST(!backoff({.max_attempts = 1}).next().has_value());
}

BOOST_AUTO_TEST_CASE(a_reset_starts_anew) {
    backoff pause({.max_attempts = 3, .base_delay = 1s});
    while (pause.next())
        ;
    pause.reset();
    BOOST_TEST(pause.failures() == 0u);
    BOOST_TEST(are(delays(pause, 5), {1s, 2s}));
}

BOOST_AUTO_TEST_CASE(jitter_is_the_fraction_that_is_random) {
    const retry_policy policy{.base_delay = 100ms, .jitter = 0.25};
    BOOST_TEST(are(delays(backoff(policy), 2, 0), {100ms, 200ms}));
    BOOST_TEST(are(delays(backoff(policy), 2, 1), {75ms, 150ms}));
    BOOST_TEST(are(delays(backoff({.base_delay = 100ms, .jitter = 1}), 2, 1), {0ms, 0ms}));
}

BOOST_AUTO_TEST_CASE(random_delays_stay_in_their_range_and_differ) {
    backoff pause({.max_attempts = endless, .base_delay = 100ms, .factor = 1, .jitter = 0.5});
    auto least = std::chrono::nanoseconds::max();
    auto most = std::chrono::nanoseconds::min();
    for (int i = 0; i < 1000; ++i) {
        const std::chrono::nanoseconds delay = pause.next().value();
        least = std::min(least, delay);
        most = std::max(most, delay);
    }
    BOOST_TEST((least >= 50ms && most <= 100ms));
    BOOST_TEST((most - least > 25ms));
}

BOOST_AUTO_TEST_CASE(delays_saturate) {
    const auto longest = backoff::duration::max();
    BOOST_TEST(are(delays(backoff({.max_attempts = endless,
                                   .base_delay = 1s,
                                   .factor = 1e300,
                                   .max_delay = std::nullopt}),
                          4),
                   {1s, longest, longest, longest}));
    BOOST_TEST(
        are(delays(backoff({.max_attempts = endless, .factor = infinity}), 3), {100ms, 30s, 30s}));
    BOOST_TEST(are(delays(backoff({.base_delay = std::chrono::hours::max(),
                                   .max_delay = std::chrono::hours::max()}),
                          2),
                   {longest, longest}));
    backoff many({.max_attempts = endless, .max_delay = std::nullopt});
    for (int i = 0; i < 100'000; ++i)
        BOOST_REQUIRE(many.next()->count() > 0);
    BOOST_TEST((many.next() == longest));
}

BOOST_AUTO_TEST_CASE(no_delay_stays_no_delay) {
    BOOST_TEST(are(delays(backoff({.base_delay = 0s, .factor = infinity}), 2), {0s, 0s}));
    BOOST_TEST(are(delays(backoff({.max_delay = 0s}), 2), {0s, 0s}));
}

BOOST_AUTO_TEST_CASE(what_cannot_be_used_is_refused_by_name_and_value) {
    BOOST_TEST(names(refusal({.max_attempts = 0}), "max_attempts", "0"));
    BOOST_TEST(names(refusal({.base_delay = -1ms}), "base_delay", "-0.001"));
    BOOST_TEST(names(refusal({.factor = 0.5}), "factor", "0.5"));
    BOOST_TEST(names(refusal({.factor = std::nan("")}), "factor", "nan"));
    BOOST_TEST(names(refusal({.max_delay = -2s}), "max_delay", "-2"));
    BOOST_TEST(names(refusal({.jitter = 1.5}), "jitter", "1.5"));
    BOOST_TEST(names(refusal({.jitter = -0.5}), "jitter", "-0.5"));
    BOOST_TEST(names(refusal({.jitter = std::nan("")}), "jitter", "nan"));
    BOOST_TEST(refusal({}) == "");
}
