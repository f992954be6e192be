// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
// The calls of a cluster pool and when all have ended, by stepping.
#define BOOST_TEST_MODULE open_calls
#include <boost/test/unit_test.hpp>

#include <ferry/cluster.hpp>

#include "cluster/open_calls.hpp"
#include "helpers/fake_call.hpp"

using namespace ferry::detail;
using namespace ferry::detail::cluster;

namespace {

open_call make_call(std::size_t bytes = 0) {
    open_call c;
    c.call = remote_call_ptr(new fake_call);
    c.bytes = bytes;
    return c;
}

} // namespace

BOOST_AUTO_TEST_CASE(calls_get_numbers_that_no_other_call_has_had) {
    open_calls calls;
    open_call& first = calls.add(make_call(10));
    open_call& second = calls.add(make_call(20));
    BOOST_TEST(first.call->number == 1);
    BOOST_TEST(second.call->number == 2);
    BOOST_TEST(calls.find(1) == &first);
    BOOST_TEST(&calls.at(2) == &second);
    BOOST_TEST(second.bytes == 20);
    calls.take(second);
    BOOST_TEST(calls.find(2) == nullptr);
    BOOST_TEST(calls.add(make_call()).call->number == 3);
    BOOST_TEST(calls.find(0) == nullptr); // one that was not submitted
}

BOOST_AUTO_TEST_CASE(a_call_stays_where_it_is_until_it_leaves) {
    open_calls calls;
    open_call& first = calls.add(make_call(10));
    for (int i = 0; i != 1000; ++i)
        calls.add(make_call());
    BOOST_TEST(calls.find(1) == &first);
    BOOST_TEST(first.bytes == 10);
    BOOST_TEST(calls.all().size() == 1001);
}

BOOST_AUTO_TEST_CASE(all_have_ended_once_their_outcomes_are_published) {
    open_calls calls;
    BOOST_TEST(calls.have_all_ended());
    BOOST_TEST(calls.any() == nullptr);
    open_call& first = calls.add(make_call());
    open_call& second = calls.add(make_call());
    BOOST_TEST(!calls.have_all_ended());
    const remote_call_ptr call = first.call;
    BOOST_TEST(calls.take(first) == call);
    calls.published(1);
    BOOST_TEST(!calls.have_all_ended()); // the second one is open
    BOOST_TEST(calls.any() == &second);
    calls.take(second);
    BOOST_TEST(calls.any() == nullptr);
    BOOST_TEST(!calls.have_all_ended()); // it is not published
    calls.published(1);
    BOOST_TEST(calls.have_all_ended());
}
