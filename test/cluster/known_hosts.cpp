// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
// The hosts that a pool has heard of, by stepping.
#define BOOST_TEST_MODULE known_hosts
#include <boost/test/unit_test.hpp>

#include <ferry/cluster.hpp>

#include "cluster/known_hosts.hpp"

using namespace ferry::detail::cluster;
using namespace std::chrono_literals;

namespace {

announce_frame announcement(const char* host, const char* queue, std::uint32_t workers,
                            std::int32_t pid = 0) {
    return {.host = host, .build = queue, .version = "0.1", .workers = workers, .pid = pid};
}

} // namespace

BOOST_AUTO_TEST_CASE(the_workers_of_those_hosts_count_that_serve_the_queue) {
    known_hosts hosts;
    BOOST_TEST(!hosts.is_served("app/1"));
    BOOST_TEST(hosts.workers_for("app/1") == 0);
    hosts.announced(announcement("a", "app/1", 8));
    hosts.announced(announcement("b", "app/2", 4));
    hosts.announced(announcement("c", "app/1", 2));
    BOOST_TEST(hosts.workers_for("app/1") == 10);
    BOOST_TEST(hosts.workers_for("app/2") == 4);
    BOOST_TEST(hosts.is_served("app/2"));
    BOOST_TEST(!hosts.is_served("app/3"));
    BOOST_TEST((hosts.served() == std::set<std::string>{"app/1", "app/2"}));
}

BOOST_AUTO_TEST_CASE(the_latest_announcement_of_a_host_counts) {
    known_hosts hosts;
    hosts.announced(announcement("a", "app/1", 8, 100));
    hosts.announced(announcement("a", "app/2", 3, 200));
    BOOST_TEST(hosts.size() == 1);
    BOOST_TEST(!hosts.is_served("app/1"));
    BOOST_TEST(hosts.workers_for("app/2") == 3);
    BOOST_TEST(hosts.pid_of("a") == 200);
    BOOST_TEST(hosts.pid_of("b") == 0);
}

BOOST_AUTO_TEST_CASE(a_host_whose_workers_have_all_ended_still_serves_its_queue) {
    known_hosts hosts;
    hosts.announced(announcement("a", "app/1", 0));
    BOOST_TEST(hosts.is_served("app/1"));
    BOOST_TEST(hosts.workers_for("app/1") == 0);
}

BOOST_AUTO_TEST_CASE(a_host_that_leaves_or_is_forgotten_serves_nothing) {
    known_hosts hosts;
    hosts.announced(announcement("a", "app/1", 8));
    hosts.announced(announcement("b", "app/1", 2));
    auto leaving = announcement("a", "app/1", 8);
    leaving.leaving = true;
    hosts.announced(leaving);
    BOOST_TEST(hosts.workers_for("app/1") == 2);
    hosts.forget("b");
    hosts.forget("b");
    BOOST_TEST(hosts.size() == 0);
    hosts.announced(leaving); // of whom nobody had heard
    BOOST_TEST(hosts.size() == 0);
}

BOOST_AUTO_TEST_CASE(a_host_makes_beats_as_often_as_it_has_said_itself) {
    known_hosts hosts;
    BOOST_TEST((hosts.beat_of("a", 10s) == 10s));
    hosts.announced(announcement("a", "app/1", 8));
    BOOST_TEST((hosts.beat_of("a", 10s) == 10s)); // it has not said
    hosts.heard("a", 2s);
    BOOST_TEST((hosts.beat_of("a", 10s) == 2s));
    BOOST_TEST(hosts.workers_for("app/1") == 8);
    hosts.heard("b", 3s); // before it has announced itself
    BOOST_TEST((hosts.beat_of("b", 10s) == 3s));
    BOOST_TEST(hosts.served().size() == 1);
    hosts.forget("a");
    BOOST_TEST((hosts.beat_of("a", 10s) == 10s));
}
