// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#define BOOST_TEST_MODULE broker_reach
#include <boost/test/unit_test.hpp>

#include <ferry/cluster.hpp>

#include "cluster/broker_reach.hpp"

using ferry::detail::cluster::broker_reach;
using namespace std::chrono_literals;

namespace {

struct fixture {
    broker_reach::time now{1000s};
    broker_reach reach{now};

    bool lost_at(broker_reach::time at) const { return reach.lost_since() == at; }
};

} // namespace

BOOST_FIXTURE_TEST_CASE(the_broker_is_reached_with_both_connections, fixture) {
    BOOST_TEST(!reach.connected());
    BOOST_TEST(lost_at(now)); // from the start
    BOOST_TEST(!reach.set_publishing(true, now + 1s));
    BOOST_TEST(!reach.connected());
    BOOST_TEST(lost_at(now));
    BOOST_TEST(reach.set_hearing(true, now + 2s));
    BOOST_TEST(reach.connected());
    BOOST_TEST(!reach.lost_since());
    BOOST_TEST(!reach.set_hearing(true, now + 3s));
}

BOOST_FIXTURE_TEST_CASE(it_is_lost_when_the_first_connection_is, fixture) {
    reach.set_publishing(true, now);
    reach.set_hearing(true, now);
    BOOST_TEST(reach.set_hearing(false, now + 5s));
    BOOST_TEST(lost_at(now + 5s));
    BOOST_TEST(!reach.set_publishing(false, now + 6s));
    BOOST_TEST(!reach.set_hearing(true, now + 7s));
    BOOST_TEST(!reach.connected());
    BOOST_TEST(lost_at(now + 5s)); // it was not reached in between
    BOOST_TEST(reach.set_publishing(true, now + 8s));
    BOOST_TEST(reach.set_publishing(false, now + 9s));
    BOOST_TEST(lost_at(now + 9s));
}

BOOST_FIXTURE_TEST_CASE(silence_means_something_while_hosts_could_be_heard, fixture) {
    reach.set_publishing(true, now);
    BOOST_TEST(!reach.can_hear());
    reach.set_hearing(true, now);
    BOOST_TEST(reach.can_hear());
    BOOST_TEST(reach.set_blocked(true));
    BOOST_TEST(!reach.set_blocked(true));
    BOOST_TEST(!reach.can_hear());
    BOOST_TEST(reach.connected()); // it accepts nothing, but is there
    BOOST_TEST(reach.set_blocked(false));
    BOOST_TEST(!reach.set_blocked(false));
    reach.set_publishing(false, now);
    BOOST_TEST(reach.can_hear()); // over the other connection
    reach.set_hearing(false, now);
    BOOST_TEST(!reach.can_hear());
}
