// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#define BOOST_TEST_MODULE deadline_list
#include <boost/test/unit_test.hpp>

#include "process/deadline_list.hpp"

#include <algorithm>
#include <array>
#include <random>

using namespace std::chrono_literals;
using ferry::detail::deadline;
using ferry::detail::deadline_list;
using time_point = ferry::timeout::clock::time_point;

BOOST_AUTO_TEST_CASE(the_first_one_is_the_earliest) {
    deadline_list all;
    deadline a, b, c;
    BOOST_TEST(all.first() == nullptr);
    BOOST_TEST(all.put(b, time_point(2s)));
    BOOST_TEST(!all.put(c, time_point(3s))); // whoever waits for the first one need not be woken
    BOOST_TEST(all.put(a, time_point(1s)));
    for (auto* const expected : {&a, &b, &c}) {
        BOOST_TEST(all.first() == expected);
        deadline_list::remove(*expected);
        BOOST_TEST(!deadline_list::contains(*expected));
    }
    BOOST_TEST(all.first() == nullptr);
}

BOOST_AUTO_TEST_CASE(those_of_one_time_stay_in_their_order) {
    deadline_list all;
    std::array<deadline, 4> d;
    for (auto& each : d)
        static_cast<void>(all.put(each, time_point(1s)));
    for (auto& each : d) {
        BOOST_TEST(all.first() == &each);
        deadline_list::remove(each);
    }
}

BOOST_AUTO_TEST_CASE(one_that_is_put_again_moves) {
    deadline_list all;
    deadline a, b;
    static_cast<void>(all.put(a, time_point(1s)));
    static_cast<void>(all.put(b, time_point(2s)));
    BOOST_TEST(!all.put(a, time_point(3s)));
    BOOST_TEST(all.first() == &b);
    BOOST_TEST(all.put(a, time_point(1s)));
    BOOST_TEST(all.first() == &a);
    deadline_list::remove(a);
    deadline_list::remove(a); // which is in no list, and stays so
    BOOST_TEST(all.first() == &b);
    deadline_list::remove(b);
}

BOOST_AUTO_TEST_CASE(any_order_of_changes_leaves_them_sorted) {
    std::minstd_rand random(7);
    deadline_list all;
    std::array<deadline, 32> d;
    for (int step = 0; step < 5000; ++step) {
        auto& one = d[random() % d.size()];
        const time_point at(std::chrono::milliseconds(random() % 100));
        if (random() % 3 == 0)
            deadline_list::remove(one);
        else
            static_cast<void>(all.put(one, at));
        const deadline* earliest = nullptr;
        std::size_t count = 0;
        for (const auto& each : d) {
            if (!deadline_list::contains(each))
                continue;
            ++count;
            if (earliest == nullptr || each.at < earliest->at)
                earliest = &each;
        }
        BOOST_REQUIRE((all.first() == nullptr) == (count == 0));
        if (count != 0)
            BOOST_REQUIRE(all.first()->at == earliest->at);
    }
    time_point last{};
    while (deadline* const first = all.first()) {
        BOOST_REQUIRE(first->at >= last);
        last = first->at;
        deadline_list::remove(*first);
    }
}
