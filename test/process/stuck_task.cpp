// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#define BOOST_TEST_MODULE stuck_task
#include <boost/test/unit_test.hpp>

#include "process/stuck_task.hpp"

using namespace std::chrono_literals;
using ferry::detail::stuck_task;
using state = ferry::detail::wire::slot_state;

namespace {

constexpr std::int64_t ns(std::chrono::nanoseconds t) { return t.count(); }
constexpr std::chrono::nanoseconds patience = stuck_task::patience;

} // namespace

BOOST_AUTO_TEST_CASE(a_task_is_stuck_once_patience_has_passed_since_it_was_seen_first) {
    stuck_task s;
    BOOST_TEST(!s.lasts(1, state::offered, ns(100s)));
    BOOST_TEST(!s.lasts(1, state::offered, ns(100s + patience) - 1));
    BOOST_TEST(s.lasts(1, state::offered, ns(100s + patience)));
    BOOST_TEST(s.lasts(1, state::offered, ns(200s)));
}

BOOST_AUTO_TEST_CASE(a_longer_time_than_patience_can_be_asked_for_and_no_shorter_one) {
    stuck_task s;
    BOOST_TEST(!s.lasts(1, state::offered, 0, 1min));
    BOOST_TEST(!s.lasts(1, state::offered, ns(1min) - 1, 1min));
    BOOST_TEST(s.lasts(1, state::offered, ns(1min), 1min));
    stuck_task other;
    BOOST_TEST(!other.lasts(1, state::offered, 0, 1s));
    BOOST_TEST(!other.lasts(1, state::offered, ns(1s), 1s));
}

BOOST_AUTO_TEST_CASE(another_task_begins_anew) {
    stuck_task s;
    BOOST_TEST(!s.lasts(1, state::offered, 0));
    BOOST_TEST(!s.lasts(2, state::offered, ns(patience)));
    BOOST_TEST(!s.lasts(1, state::offered, ns(patience))); // it was started and given out again
    BOOST_TEST(!s.lasts(1, state::offered, ns(2 * patience) - 1));
    BOOST_TEST(s.lasts(1, state::offered, ns(2 * patience)));
}

BOOST_AUTO_TEST_CASE(so_does_another_state_of_the_same_task) {
    stuck_task s;
    BOOST_TEST(!s.lasts(1, state::offered, 0));
    BOOST_TEST(!s.lasts(1, state::done, ns(patience)));
    BOOST_TEST(s.lasts(1, state::done, ns(2 * patience)));
}
