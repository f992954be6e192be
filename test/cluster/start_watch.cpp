// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
// When a worker host looks whether calls have started, by stepping.
#define BOOST_TEST_MODULE start_watch
#include <boost/test/unit_test.hpp>

#include "cluster/start_watch.hpp"

using namespace std::chrono_literals;
using ferry::detail::cluster::start_watch;
using ferry::detail::cluster::task_id;

namespace {

constexpr start_watch::clock::time_point start{1h};

task_id id_of(std::uint64_t number) { return {"ferry.reply.a", number, 1}; }

} // namespace

BOOST_AUTO_TEST_CASE(nothing_is_due_before_something_was_handed_over) {
    start_watch w;
    BOOST_TEST(!w.next_time().has_value());
    BOOST_TEST(w.take_due(start).empty());
}

BOOST_AUTO_TEST_CASE(a_call_is_looked_at_once_after_the_first_pause) {
    start_watch w;
    w.add(id_of(1), start);
    BOOST_TEST_REQUIRE(w.next_time().has_value());
    BOOST_CHECK(*w.next_time() == start + start_watch::first_pause);
    BOOST_TEST(w.take_due(start + start_watch::first_pause - 1ns).empty());
    const auto due = w.take_due(start + start_watch::first_pause);
    BOOST_TEST_REQUIRE(due.size() == 1u);
    BOOST_TEST((due[0].id == id_of(1)));
    BOOST_TEST(w.take_due(start + 1h).empty());
    BOOST_TEST(!w.next_time().has_value());
}

BOOST_AUTO_TEST_CASE(what_has_not_started_is_looked_at_ever_more_seldom) {
    start_watch w;
    w.add(id_of(1), start);
    auto now = start + start_watch::first_pause;
    for (const auto pause : {4ms, 8ms, 16ms, 20ms, 20ms}) {
        auto due = w.take_due(now);
        BOOST_TEST_REQUIRE(due.size() == 1u);
        w.again(std::move(due[0]), now);
        BOOST_TEST_REQUIRE(w.next_time().has_value());
        BOOST_CHECK(*w.next_time() == now + pause);
        BOOST_TEST(w.take_due(now + pause - 1ns).empty());
        now += pause;
    }
    BOOST_TEST((w.take_due(now).at(0).id == id_of(1)));
}

BOOST_AUTO_TEST_CASE(all_that_are_due_are_taken_the_earliest_first) {
    start_watch w;
    w.add(id_of(3), start + 2ms);
    w.add(id_of(1), start);
    w.add(id_of(2), start);
    w.add(id_of(4), start + 1s);
    BOOST_CHECK(*w.next_time() == start + start_watch::first_pause);
    const auto due = w.take_due(start + 10ms);
    BOOST_TEST_REQUIRE(due.size() == 3u);
    for (std::uint64_t n = 1; n <= 3; ++n)
        BOOST_TEST(due[static_cast<std::size_t>(n - 1)].id.number == n);
    BOOST_CHECK(*w.next_time() == start + 1s + start_watch::first_pause);
}
