// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#define BOOST_TEST_MODULE running_jobs
#include <boost/test/unit_test.hpp>

#include "process/running_jobs.hpp"

#include "helpers/fake_call.hpp"

// How long threads are in their jobs, step by step.

using namespace ferry::detail;
using namespace std::chrono_literals;

namespace {

using time_point = running_jobs::time_point;

constexpr time_point start{1h};

bool wait_is(const running_jobs& jobs, time_point from, time_point now, time_point expected) {
    return jobs.wait_until(from, now, 10s) == expected;
}

} // namespace

BOOST_AUTO_TEST_CASE(jobs_are_counted_until_they_end) {
    const fake_call_ptr c(new fake_call);
    running_jobs jobs;
    BOOST_TEST(jobs.empty());
    running_jobs::job one(*c, start), two(*c, start + 1s);
    jobs.add(one);
    jobs.add(two);
    BOOST_TEST(jobs.count() == 2u);
    jobs.remove(one);
    BOOST_TEST(jobs.count() == 1u);
    BOOST_TEST(&*jobs.begin() == &two);
    BOOST_TEST(jobs.begin()->call == c.get());
    jobs.remove(two);
    BOOST_TEST(jobs.empty());
}

BOOST_AUTO_TEST_CASE(the_oldest_job_decides_how_long_to_wait) {
    const fake_call_ptr c(new fake_call);
    running_jobs jobs;
    running_jobs::job late(*c, start + 5s), early(*c, start + 2s);
    jobs.add(late);
    BOOST_TEST(wait_is(jobs, start, start + 7s, start + 15s));
    jobs.add(early);
    BOOST_TEST(wait_is(jobs, start, start + 7s, start + 12s));
    jobs.remove(early);
    BOOST_TEST(wait_is(jobs, start, start + 7s, start + 15s));
    jobs.remove(late);
}

BOOST_AUTO_TEST_CASE(patience_begins_with_the_wait_at_the_earliest) {
    const fake_call_ptr c(new fake_call);
    running_jobs jobs;
    running_jobs::job old(*c, start - 1h);
    jobs.add(old);
    BOOST_TEST(wait_is(jobs, start, start + 3s, start + 10s));
    jobs.remove(old);
}

BOOST_AUTO_TEST_CASE(while_nothing_runs_patience_begins_now) {
    const running_jobs jobs;
    BOOST_TEST(wait_is(jobs, start, start + 3s, start + 13s));
}
