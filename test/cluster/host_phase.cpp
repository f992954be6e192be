// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
// How a worker host comes to its end, by stepping.
#define BOOST_TEST_MODULE host_phase
#include <boost/test/unit_test.hpp>

#include "cluster/host_phase.hpp"

using namespace std::chrono_literals;
using ferry::detail::cluster::host_phase;

namespace {

constexpr host_phase::clock::time_point start{1h};
constexpr auto never = host_phase::clock::time_point::max();

} // namespace

BOOST_AUTO_TEST_CASE(a_host_that_was_not_told_to_end_goes_on) {
    host_phase p;
    BOOST_TEST(!p.is_draining());
    BOOST_TEST(!p.ends_workers(start, false));
    BOOST_TEST(!p.ends_workers(start, true));
    BOOST_TEST(!p.is_over(start, true)); // it has nothing to do for now
    BOOST_TEST(!p.is_over(start, false));
    BOOST_TEST(!p.next_time().has_value());
    BOOST_TEST(p.failure() == "");
}

BOOST_AUTO_TEST_CASE(a_draining_host_is_over_when_all_is_told) {
    host_phase p;
    p.drain(start + 30s);
    BOOST_TEST(p.is_draining());
    BOOST_TEST(!p.is_over(start, false));
    BOOST_TEST(p.is_over(start, true));
    BOOST_CHECK(p.next_time() == start + 30s);
    BOOST_TEST(!p.ends_workers(start + 30s - 1ns, false));
    BOOST_TEST(!p.is_over(start + 1h, false)); // it waits for the tasks
}

BOOST_AUTO_TEST_CASE(the_workers_are_ended_once_and_their_reports_have_a_while) {
    host_phase p;
    p.drain(start + 30s);
    BOOST_TEST(p.ends_workers(start + 31s, false));
    BOOST_TEST(!p.ends_workers(start + 32s, false));
    BOOST_TEST(!p.ends_workers(start + 32s, true));
    const auto end = start + 31s + host_phase::last_words;
    BOOST_CHECK(p.next_time() == end);
    BOOST_TEST(!p.is_over(end - 1ns, false));
    BOOST_TEST(p.is_over(end - 1ns, true));
    BOOST_TEST(p.is_over(end, false));
}

BOOST_AUTO_TEST_CASE(a_second_request_does_not_wait_for_the_tasks) {
    host_phase p;
    p.drain(never);
    BOOST_TEST(!p.ends_workers(start + 24h, false));
    BOOST_TEST(p.ends_workers(start + 24h, true));
    BOOST_TEST(p.is_over(start + 24h + host_phase::last_words, false));
}

BOOST_AUTO_TEST_CASE(a_stopped_host_is_over_whatever_is_left) {
    host_phase p;
    BOOST_TEST(!p.is_stopped());
    p.stop();
    BOOST_TEST(p.is_stopped());
    BOOST_TEST(p.is_over(start, false));
}

BOOST_AUTO_TEST_CASE(the_first_reason_of_a_failure_stays) {
    host_phase p;
    p.fail("the password is wrong");
    p.fail("its worker processes cannot be started");
    BOOST_TEST(p.failure() == "the password is wrong");
    BOOST_TEST(!p.is_over(start, true)); // who fails it says how it ends
}
