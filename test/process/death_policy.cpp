// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#define BOOST_TEST_MODULE death_policy
#include <boost/test/unit_test.hpp>

#include "process/death_policy.hpp"

using ferry::detail::counts_against_task;
using ferry::detail::death_cause;
using ferry::detail::death_facts;
using ferry::detail::starts_again;

BOOST_AUTO_TEST_CASE(a_crash_starts_a_task_again_until_its_attempts_are_used_up) {
    BOOST_TEST(!starts_again(death_cause::crash, {.starts = 1, .attempts = 1}));
    BOOST_TEST(starts_again(death_cause::crash, {.starts = 1, .attempts = 3}));
    BOOST_TEST(starts_again(death_cause::crash, {.starts = 2, .attempts = 3}));
    BOOST_TEST(!starts_again(death_cause::crash, {.starts = 3, .attempts = 3}));
}

BOOST_AUTO_TEST_CASE(nothing_else_starts_it_again) {
    for (const auto why : {death_cause::run_time, death_cause::resource_limit,
                           death_cause::cancelled, death_cause::dismissed})
        BOOST_TEST(!starts_again(why, {.starts = 1, .attempts = 100}));
}

BOOST_AUTO_TEST_CASE(a_task_that_is_to_end_is_not_started_again) {
    BOOST_TEST(!starts_again(death_cause::crash, {.attempts = 9, .quarantined = true}));
    BOOST_TEST(!starts_again(death_cause::crash, {.attempts = 9, .asked_to_stop = true}));
    BOOST_TEST(!starts_again(death_cause::crash, {.attempts = 9, .accepts_starts = false}));
}

BOOST_AUTO_TEST_CASE(what_a_task_did_counts_against_it_and_what_was_done_to_it_does_not) {
    BOOST_TEST(counts_against_task(death_cause::crash));
    BOOST_TEST(counts_against_task(death_cause::run_time));
    BOOST_TEST(counts_against_task(death_cause::resource_limit));
    BOOST_TEST(!counts_against_task(death_cause::cancelled));
    BOOST_TEST(!counts_against_task(death_cause::dismissed));
}
