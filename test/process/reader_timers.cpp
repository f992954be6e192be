// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#define BOOST_TEST_MODULE reader_timers
#include <boost/test/unit_test.hpp>

#include "process/reader_timers.hpp"

#include <poll.h>

using namespace std::chrono_literals;
using ferry::detail::deadline;
using ferry::detail::reader_timers;
using ferry::detail::wake_event;
using purpose = deadline::purpose;
using time_point = ferry::timeout::clock::time_point;

namespace {

struct bench {
    /// Whether the reader was woken since the last call.
    bool was_woken() {
        pollfd p{wake.file(), POLLIN, 0};
        const bool woken = ::poll(&p, 1, 0) == 1;
        wake.clear();
        return woken;
    }

    wake_event wake;
    reader_timers timers{wake};
};

} // namespace

BOOST_AUTO_TEST_CASE(only_a_new_first_deadline_wakes_the_reader) {
    bench b;
    deadline first, second;
    b.timers.arm(second, time_point(2s));
    BOOST_TEST(b.was_woken());
    b.timers.arm(purpose::trim, time_point(3s));
    BOOST_TEST(!b.was_woken());
    b.timers.arm(first, time_point(1s));
    BOOST_TEST(b.was_woken());
}

BOOST_AUTO_TEST_CASE(deadlines_are_due_one_after_the_other) {
    bench b;
    deadline mine;
    BOOST_TEST(b.timers.until_first(time_point(0s)) == -1);
    BOOST_TEST(b.timers.take_due(time_point(0s)) == nullptr);
    b.timers.arm(mine, time_point(1500us));
    b.timers.arm(purpose::limits, time_point(1s));
    BOOST_TEST(b.timers.until_first(time_point(0s)) == 2); // never too early
    BOOST_TEST(b.timers.take_due(time_point(1499us)) == nullptr);
    BOOST_TEST(b.timers.take_due(time_point(2s)) == &mine);
    BOOST_TEST(b.timers.until_first(time_point(2s)) == 0);
    deadline* const own = b.timers.take_due(time_point(2s));
    BOOST_REQUIRE(own != nullptr);
    BOOST_CHECK(own->what == purpose::limits);
    BOOST_TEST(own->worker == 0u); // it is no worker's
    BOOST_TEST(!b.timers.is_armed(purpose::limits));
    BOOST_TEST(b.timers.take_due(time_point(2s)) == nullptr);
}

BOOST_AUTO_TEST_CASE(an_armed_deadline_of_the_pool_is_not_put_off) {
    bench b;
    BOOST_TEST(!b.timers.is_armed(purpose::check));
    b.timers.arm(purpose::check, time_point(1s));
    b.timers.ensure(purpose::check, 1h);
    BOOST_TEST(b.timers.take_due(time_point(1s)) != nullptr);
    b.timers.ensure(purpose::check, 1h);
    BOOST_TEST(b.timers.is_armed(purpose::check));
    for (const auto other : {purpose::dispatch, purpose::start, purpose::trim, purpose::limits})
        BOOST_TEST(!b.timers.is_armed(other));
}

BOOST_AUTO_TEST_CASE(a_deadline_beyond_an_hour_is_looked_at_within_an_hour) {
    bench b;
    deadline late;
    b.timers.arm(late, time_point::max());
    BOOST_TEST(b.timers.until_first(time_point(0s)) == 3'600'000);
}
