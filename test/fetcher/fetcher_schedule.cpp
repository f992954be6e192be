// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#define BOOST_TEST_MODULE fetcher_schedule
#include "schedule.hpp"

#include <boost/test/unit_test.hpp>

#include <string>

using namespace fetcher;
using namespace std::chrono_literals;

namespace {

const body_settings settings;
byte_budget budget(1 << 20);
using time_point = schedule::time_point;
const time_point start = time_point(1000h); // any

job_ptr a_job(const std::string& host, const std::string& id = "x") {
    target what;
    what.host = host;
    what.id = id;
    return std::make_unique<job>(std::move(what), settings, budget);
}

/// The ids of all that may start now; they stay under way.
std::string started(schedule& of, time_point now, std::vector<job_ptr>& under_way) {
    std::string ids;
    while (auto next = of.next(now)) {
        ids += next->what->what.id + (next->rejected ? "! " : " ");
        if (!next->rejected)
            under_way.push_back(std::move(next->what));
    }
    return ids;
}

struct run {
    lane_settings limits;
    schedule of;
    std::vector<job_ptr> under_way;

    explicit run(lane_settings l, std::size_t workers = 1) : limits(l), of(limits, workers) {}
    std::string starts(time_point now = start) { return started(of, now, under_way); }
    void finish(host_health how = host_health::well, time_point now = start) {
        of.finished(*under_way.front(), how, now);
        under_way.erase(under_way.begin());
    }
};

} // namespace

BOOST_AUTO_TEST_CASE(the_breaker_counts_targets_and_not_their_attempts) {
    run r({.jobs = 1, .breaker = 2});
    const auto fail = [&](std::size_t attempts) {
        r.under_way.front()->attempts.resize(attempts);
        r.finish(host_health::ill);
    };
    r.of.add(a_job("http://a:80", "1"));
    r.of.add(a_job("http://a:80", "2"));
    r.of.add(a_job("http://a:80", "3"));
    BOOST_TEST(r.starts() == "1 ");
    fail(1);
    BOOST_TEST(r.starts() == "2 ");
    fail(2); // its second attempt, so it was counted before
    BOOST_TEST(r.starts() == "3 ");
    fail(1);
    r.of.add(a_job("http://a:80", "4"));
    BOOST_TEST(r.starts() == ""); // the host is left alone
}

BOOST_AUTO_TEST_CASE(no_more_than_jobs_are_under_way) {
    run r({.jobs = 2});
    for (const char* each : {"1", "2", "3"})
        r.of.add(a_job("http://a:80", each));
    BOOST_TEST(r.starts() == "1 2 ");
    BOOST_TEST((r.of.wakes() == time_point::max()));
    BOOST_TEST(r.of.waiting() == 1u);
    r.finish();
    BOOST_TEST(r.starts() == "3 ");
    BOOST_TEST(r.of.in_flight() == 2u);
}

BOOST_AUTO_TEST_CASE(hosts_take_turns) {
    run r({.jobs = 10});
    for (const char* each : {"a1", "a2", "a3", "b1", "c1"})
        r.of.add(a_job(std::string("http://") + each[0], each));
    BOOST_TEST(r.starts() == "a1 b1 c1 a2 a3 ");
}

BOOST_AUTO_TEST_CASE(a_host_at_its_limit_lets_others_pass) {
    run r({.jobs = 10, .per_host = 1});
    for (const char* each : {"a1", "a2", "b1"})
        r.of.add(a_job(std::string("http://") + each[0], each));
    BOOST_TEST(r.starts() == "a1 b1 ");
    r.finish();
    BOOST_TEST(r.starts() == "a2 ");
}

BOOST_AUTO_TEST_CASE(a_closed_host_waits_and_others_do_not) {
    run r({.jobs = 10});
    r.of.add(a_job("http://a", "a1"));
    r.of.add(a_job("http://b", "b1"));
    r.of.close("http://a", 5s, start);
    BOOST_TEST(r.starts() == "b1 ");
    BOOST_TEST((r.of.wakes() == start + 5s));
    BOOST_TEST(r.starts(start + 4999ms) == "");
    BOOST_TEST(r.starts(start + 5s) == "a1 ");
}

BOOST_AUTO_TEST_CASE(rates_space_the_starts) {
    run r({.jobs = 10, .rate = 10});
    run each_host({.jobs = 10, .per_host_rate = 10});
    for (const char* each : {"a1", "a2", "b1"}) {
        r.of.add(a_job(std::string("http://") + each[0], each));
        each_host.of.add(a_job(std::string("http://") + each[0], each));
    }
    BOOST_TEST(r.starts() == "a1 ");
    BOOST_TEST((r.of.wakes() == start + 100ms));
    BOOST_TEST(r.starts(start + 99ms) == "");
    BOOST_TEST(r.starts(start + 100ms) == "b1 ");
    BOOST_TEST(r.starts(start + 200ms) == "a2 ");
    BOOST_TEST(each_host.starts() == "a1 b1 ");
    BOOST_TEST((each_host.of.wakes() == start + 100ms));
    BOOST_TEST(each_host.starts(start + 100ms) == "a2 ");
}

BOOST_AUTO_TEST_CASE(a_retry_that_is_due_goes_first) {
    run r({.jobs = 1});
    r.of.add(a_job("http://a", "a1"));
    r.of.add(a_job("http://b", "b1"));
    r.of.retry(a_job("http://a", "again"), start + 1s);
    BOOST_TEST(r.starts() == "a1 ");
    r.finish();
    BOOST_TEST(r.starts(start + 1s) == "again ");
    r.finish();
    BOOST_TEST(r.starts(start + 1s) == "b1 ");
    r.finish();
    r.of.retry(a_job("http://c", "later"), start + 3s);
    BOOST_TEST(r.starts(start + 2s) == "");
    BOOST_TEST((r.of.wakes() == start + 3s));
}

BOOST_AUTO_TEST_CASE(a_host_that_fails_is_left_alone) {
    run r({.jobs = 1, .breaker = 2, .breaker_reset = std::chrono::hours(24)});
    for (const char* each : {"1", "2", "3"})
        r.of.add(a_job("http://a", each));
    for (const char* each : {"1 ", "2 "}) {
        BOOST_TEST(r.starts() == each);
        r.finish(host_health::ill);
    }
    BOOST_TEST(r.starts() == "");
    BOOST_TEST((r.of.wakes() > start));
    r.of.add(a_job("http://b", "b"));
    BOOST_TEST(r.starts() == "b ");
}

BOOST_AUTO_TEST_CASE(a_host_that_fails_again_is_not_waited_for) {
    run r({.jobs = 1, .breaker = 2, .breaker_reset = 0ms});
    for (const char* each : {"1", "2", "3", "4", "5"})
        r.of.add(a_job("http://a", each));
    for (const char* each : {"1 ", "2 "}) {
        BOOST_TEST(r.starts() == each);
        r.finish(host_health::ill);
    }
    BOOST_TEST(r.starts() == "3 "); // the probe
    r.finish(host_health::ill);
    r.of.limit_jobs(2);
    BOOST_TEST(r.starts() == "4 "); // another; what is beside it is rejected
    BOOST_TEST(r.under_way.size() == 1u);
    r.finish(host_health::well);
    BOOST_TEST(r.starts() == "5 "); // closed again
}

BOOST_AUTO_TEST_CASE(while_a_dead_host_is_probed_its_targets_are_rejected) {
    run r({.jobs = 5, .breaker = 1, .breaker_reset = 0ms});
    r.of.add(a_job("http://a", "1"));
    BOOST_TEST(r.starts() == "1 ");
    r.finish(host_health::ill);
    r.of.add(a_job("http://a", "2"));
    BOOST_TEST(r.starts() == "2 ");
    r.finish(host_health::ill);
    for (const char* each : {"3", "4", "5"})
        r.of.add(a_job("http://a", each));
    BOOST_TEST(r.starts() == "3 4! 5! ");
}

BOOST_AUTO_TEST_CASE(success_in_between_keeps_a_host) {
    run r({.jobs = 1, .breaker = 2, .breaker_reset = std::chrono::hours(24)});
    for (int n = 0; n < 6; ++n) {
        r.of.add(a_job("http://a"));
        BOOST_TEST(r.starts() == "x ");
        r.finish(n % 2 == 0 ? host_health::ill : host_health::well);
    }
}

BOOST_AUTO_TEST_CASE(a_host_stays_with_its_worker_until_that_is_busy) {
    run r({.jobs = 100}, 2);
    for (int n = 0; n < 40; ++n)
        r.of.add(a_job("http://a"));
    r.starts();
    std::size_t of_first = 0;
    for (const auto& each : r.under_way)
        of_first += each->worker == r.under_way[0]->worker ? 1 : 0;
    for (int n = 0; n < 4; ++n)
        BOOST_TEST(r.under_way[n]->worker == r.under_way[0]->worker);
    BOOST_TEST(of_first == 20u);
    run one({.jobs = 100}, 2);
    one.of.multiplexes("https://a");
    for (int n = 0; n < 40; ++n)
        one.of.add(a_job("https://a"));
    one.starts();
    for (const auto& each : one.under_way)
        BOOST_TEST(each->worker == one.under_way[0]->worker);
}

BOOST_AUTO_TEST_CASE(hosts_are_shared_out_evenly) {
    run r({.jobs = 100}, 2);
    for (int n = 0; n < 20; ++n)
        r.of.add(a_job("https://host" + std::to_string(n)));
    r.starts();
    std::size_t of_first = 0;
    for (const auto& each : r.under_way)
        of_first += each->worker == 0 ? 1 : 0;
    BOOST_TEST(r.under_way.size() == 20u);
    BOOST_TEST(of_first == 10u);
}

BOOST_AUTO_TEST_CASE(holding_back_keeps_what_is_under_way) {
    run r({.jobs = 5});
    for (int n = 0; n < 9; ++n)
        r.of.add(a_job("http://a"));
    r.starts();
    r.finish();
    r.of.hold_back();
    BOOST_TEST(r.of.jobs() == 4u);
    BOOST_TEST(r.starts() == "");
    for (int n = 0; n < 4; ++n)
        r.finish();
    r.of.hold_back();
    BOOST_TEST(r.of.jobs() == 1u);
}

BOOST_AUTO_TEST_CASE(what_waits_is_bounded_and_can_leave) {
    run r({.jobs = 10});
    for (int n = 0; r.of.wants_more(); ++n) {
        BOOST_REQUIRE(n < 10'000);
        r.of.add(a_job("http://a", std::to_string(n)));
    }
    r.of.retry(a_job("http://a", "retry"), start + 1s);
    BOOST_TEST(r.of.waiting() == 129u);
    const auto left = r.of.drain();
    BOOST_TEST(left.size() == 129u);
    BOOST_TEST(left.back()->what.id == "retry");
    BOOST_TEST(r.of.waiting() == 0u);
    BOOST_TEST(r.starts(start + 1h) == "");
    r.of.add(a_job("http://a", "new"));
    BOOST_TEST(r.starts(start + 1h) == "new ");
}

BOOST_AUTO_TEST_CASE(of_many_hosts_only_some_are_remembered) {
    run r({.jobs = 1});
    for (int n = 0; n < 5000; ++n) {
        r.of.add(a_job("http://" + std::to_string(n)));
        BOOST_REQUIRE(r.starts() == "x ");
        r.finish();
    }
    BOOST_TEST(r.of.lanes() <= 1025u);
}
