// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#define BOOST_TEST_MODULE cluster_phase
#include <boost/test/unit_test.hpp>

#include <ferry/cluster.hpp>

#include "cluster/cluster_phase.hpp"

#include <string>

using ferry::detail::cluster::cluster_phase;

BOOST_AUTO_TEST_CASE(a_closed_pool_takes_nothing_and_goes_on_until_all_is_done) {
    cluster_phase p;
    BOOST_CHECK_NO_THROW(p.check_open());
    BOOST_TEST(!p.is_done());
    p.close();
    BOOST_CHECK_THROW(p.check_open(), ferry::shutdown_error);
    BOOST_TEST(!p.is_done());
    BOOST_TEST(!p.is_broken());
    p.finish();
    BOOST_TEST(p.is_done());
    BOOST_TEST(!p.is_broken());
    BOOST_CHECK_THROW(p.check_open(), ferry::shutdown_error);
}

BOOST_AUTO_TEST_CASE(a_broken_pool_says_why_even_when_it_is_closed_then) {
    cluster_phase p;
    p.break_for("the broker has refused it");
    BOOST_TEST(p.is_broken());
    BOOST_TEST(p.is_done());
    p.close();
    p.finish();
    BOOST_CHECK_THROW(p.check_open(), ferry::broken_cluster_pool);
    try {
        std::rethrow_exception(p.error());
    } catch (const ferry::broken_cluster_pool& e) {
        BOOST_TEST(std::string(e.what()).find("the broker has refused it") != std::string::npos);
    }
}

BOOST_AUTO_TEST_CASE(a_closed_pool_may_break) {
    cluster_phase p;
    p.close();
    p.break_for("no thread");
    BOOST_CHECK_THROW(p.check_open(), ferry::broken_cluster_pool);
}
