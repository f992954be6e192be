// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#define BOOST_TEST_MODULE dispatch_queue
#include <boost/test/unit_test.hpp>

#include "process/dispatch_queue.hpp"

#include <array>
#include <climits>
#include <vector>

// Priorities and places, without workers.

using ferry::detail::dispatch_item;
using ferry::detail::dispatch_queue;

namespace {

struct bench {
    ~bench() {
        while (!queue.empty())
            queue.remove(*queue.first());
    }
    dispatch_item& push(std::size_t n, int priority = 0) {
        items[n].priority = priority;
        queue.push(items[n]);
        return items[n];
    }
    /// The numbers of the items in the order of a walk by their keys.
    std::vector<long> order() {
        std::vector<long> all;
        for (auto* i = queue.first(); i != nullptr; i = queue.after(dispatch_queue::key_of(*i)))
            all.push_back(i - items.data());
        return all;
    }

    std::array<dispatch_item, 6> items;
    dispatch_queue queue;
};

} // namespace

BOOST_AUTO_TEST_CASE(an_empty_queue_has_no_first_item) {
    bench b;
    BOOST_TEST(b.queue.empty());
    BOOST_TEST(b.queue.size() == 0u);
    BOOST_TEST(b.queue.first() == nullptr);
    BOOST_TEST(b.queue.after({INT64_MIN, 0}) == nullptr);
    BOOST_TEST(b.queue.ahead(0) == 0u);
}

BOOST_AUTO_TEST_CASE(priorities_go_down_and_equals_keep_their_order) {
    bench b;
    b.push(0);
    b.push(1, -3);
    b.push(2, 5);
    b.push(3);
    b.push(4, INT_MIN);
    b.push(5, INT_MAX);
    BOOST_TEST(b.order() == (std::vector<long>{5, 2, 0, 3, 1, 4}),
               boost::test_tools::per_element());
    BOOST_TEST(b.queue.size() == 6u);
}

BOOST_AUTO_TEST_CASE(who_is_put_back_has_its_old_place) {
    bench b;
    auto& first = b.push(0);
    b.push(1);
    b.queue.remove(first);
    BOOST_TEST(!dispatch_queue::contains(first));
    b.push(2);
    b.queue.requeue(first);
    BOOST_TEST(dispatch_queue::contains(first));
    BOOST_TEST(b.order() == (std::vector<long>{0, 1, 2}), boost::test_tools::per_element());
    b.queue.remove(first);
    b.queue.push(first); // as a new one
    BOOST_TEST(b.order() == (std::vector<long>{1, 2, 0}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_walk_goes_on_behind_an_item_that_has_left) {
    bench b;
    b.push(0);
    auto& gone = b.push(1);
    auto& next = b.push(2);
    const auto key = dispatch_queue::key_of(gone);
    b.queue.remove(gone);
    BOOST_TEST(b.queue.after(key) == &next);
    BOOST_TEST(b.queue.after(dispatch_queue::key_of(next)) == nullptr);
}

BOOST_AUTO_TEST_CASE(an_item_waits_for_those_of_its_priority_and_above) {
    bench b;
    b.push(0);
    b.push(1);
    BOOST_TEST(b.queue.ahead(0) == 2u);
    BOOST_TEST(b.queue.ahead(-1) == 2u);
    BOOST_TEST(b.queue.ahead(1) == 0u);
    b.push(2, 4);
    b.push(3, -4);
    BOOST_TEST(b.queue.ahead(5) == 0u);
    BOOST_TEST(b.queue.ahead(4) == 1u);
    BOOST_TEST(b.queue.ahead(0) == 3u);
    BOOST_TEST(b.queue.ahead(-4) == 4u);
}
