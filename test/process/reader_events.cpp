// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#define BOOST_TEST_MODULE reader_events
#include <boost/test/unit_test.hpp>

#include "process/reader_events.hpp"

#include "process/wake_event.hpp"

#include <algorithm>
#include <vector>

using ferry::detail::reader_events;
using ferry::detail::wake_event;
using source = reader_events::source;

BOOST_AUTO_TEST_CASE(an_event_says_whose_it_is_and_what) {
    reader_events events;
    wake_event own, exit;
    events.watch(own.file(), 0, source::wake);
    events.watch(exit.file(), 0xfffffffe, source::exit);
    BOOST_TEST(events.wait(0).empty());
    exit.set();
    const auto one = events.wait(0);
    BOOST_REQUIRE(one.size() == 1u);
    BOOST_CHECK(one[0].what == source::exit);
    BOOST_TEST(one[0].worker == 0xfffffffe);
    own.set();
    const auto both = events.wait(0);
    BOOST_TEST(both.size() == 2u);
    BOOST_TEST(std::any_of(both.begin(), both.end(),
                           [](const auto& e) { return e.what == source::wake && e.worker == 0; }));
}

BOOST_AUTO_TEST_CASE(only_an_answer_is_told_once_until_the_next_one) {
    reader_events events;
    wake_event answered, error;
    events.watch(answered.file(), 1, source::answer);
    events.watch(error.file(), 1, source::standard_error);
    answered.set();
    error.set();
    BOOST_TEST(events.wait(0).size() == 2u);
    const auto again = events.wait(0); // of what nobody has read
    BOOST_REQUIRE(again.size() == 1u);
    BOOST_CHECK(again[0].what == source::standard_error);
    answered.clear();
    answered.set();
    BOOST_TEST(events.wait(0).size() == 2u);
}

BOOST_AUTO_TEST_CASE(what_is_forgotten_is_not_told_of) {
    reader_events events;
    wake_event error;
    events.watch(error.file(), 1, source::standard_error);
    error.set();
    events.forget(error.file());
    BOOST_TEST(events.wait(0).empty());
    events.watch(error.file(), 1, source::standard_error); // and can be watched again
    BOOST_TEST(events.wait(0).size() == 1u);
}

BOOST_AUTO_TEST_CASE(more_events_than_one_wait_gives_are_told_later) {
    reader_events events;
    std::vector<wake_event> many(100);
    for (std::size_t i = 0; i != many.size(); ++i) {
        events.watch(many[i].file(), static_cast<std::uint32_t>(i + 1), source::answer);
        many[i].set();
    }
    std::vector<bool> told(many.size() + 1);
    for (auto some = events.wait(0); !some.empty(); some = events.wait(0)) {
        for (const auto& e : some)
            told[e.worker] = true;
    }
    BOOST_TEST(std::count(told.begin(), told.end(), true) == 100);
}
