// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include "inside/loop_lateness.hpp"

#define BOOST_TEST_MODULE loop_lateness
#include <boost/test/unit_test.hpp>

using namespace std::chrono_literals;
using ferry::detail::loop_lateness;
using action = loop_lateness::action;

namespace {

// A time that the test moves on.
struct watch {
    action ask_after(std::chrono::nanoseconds passed, bool pending) {
        now += passed;
        return machine.ask(now, pending);
    }
    loop_lateness machine{100ms};
    loop_lateness::clock::time_point now{1h};
};

} // namespace

BOOST_AUTO_TEST_CASE(it_asks_twice_in_each_limit) {
    BOOST_TEST((loop_lateness(100ms).period() == 50ms));
    BOOST_TEST((loop_lateness(3ns).period() == 2ns));
    BOOST_TEST((loop_lateness(1ns).period() == 1ns));
}

BOOST_AUTO_TEST_CASE(a_loop_that_runs_what_is_posted_is_never_late) {
    watch w;
    for (int i = 0; i < 100; ++i)
        BOOST_TEST((w.ask_after(50ms, false) == action::post));
    BOOST_TEST((w.machine.age() == 0ns));
}

BOOST_AUTO_TEST_CASE(a_loop_is_late_when_the_limit_has_passed) {
    watch w;
    w.ask_after(50ms, false);
    BOOST_TEST((w.ask_after(50ms, true) == action::wait));
    BOOST_TEST((w.ask_after(50ms, true) == action::look));
    BOOST_TEST((w.ask_after(50ms, true) == action::look));
    BOOST_TEST((w.machine.age() == 150ms));
}

BOOST_AUTO_TEST_CASE(the_next_post_begins_anew) {
    watch w;
    w.ask_after(50ms, false);
    w.ask_after(50ms, true);
    w.ask_after(50ms, true);
    BOOST_TEST((w.ask_after(50ms, false) == action::post));
    BOOST_TEST((w.ask_after(50ms, true) == action::wait));
}

BOOST_AUTO_TEST_CASE(the_time_of_a_process_that_was_stopped_does_not_count) {
    watch w;
    w.ask_after(50ms, false);
    w.ask_after(50ms, true);
    BOOST_TEST((w.ask_after(1h, true) == action::wait));
    BOOST_TEST((w.machine.age() == 50ms));
    BOOST_TEST((w.ask_after(50ms, true) == action::look)); // it is blocked after all
}
