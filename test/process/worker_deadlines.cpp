// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#define BOOST_TEST_MODULE worker_deadlines
#include <boost/test/unit_test.hpp>

#include "process/worker_deadlines.hpp"

#include <set>
#include <utility>
#include <vector>

using namespace std::chrono_literals;
using ferry::detail::deadline;
using ferry::detail::deadline_list;
using ferry::detail::worker_deadlines;
using purpose = ferry::detail::deadline::purpose;
using time_point = ferry::timeout::clock::time_point;

namespace {

/// All of them.
std::vector<deadline*> all_of(worker_deadlines& d) {
    std::vector<deadline*> all{&d.grace, &d.idle, &d.standard_error, &d.answers};
    for (auto* const each : {&d.run_time, &d.stop_grace}) {
        for (auto& of_a_task : *each)
            all.push_back(&of_a_task);
    }
    return all;
}

} // namespace

BOOST_AUTO_TEST_CASE(each_says_whose_it_is_and_what_it_is_for) {
    worker_deadlines d(7);
    std::set<std::pair<purpose, std::uint16_t>> seen;
    for (const deadline* const each : all_of(d)) {
        BOOST_TEST(each->worker == 7u);
        BOOST_TEST(!deadline_list::contains(*each));
        BOOST_TEST(seen.emplace(each->what, each->slot).second);
    }
    BOOST_TEST(seen.contains({purpose::run_time, 63}));
    BOOST_TEST(seen.contains({purpose::stop_grace, 63}));
    for (const purpose p :
         {purpose::grace, purpose::idle, purpose::standard_error, purpose::answers})
        BOOST_TEST(seen.contains({p, 0}));
}

BOOST_AUTO_TEST_CASE(any_one_that_is_armed_counts) {
    deadline_list list;
    worker_deadlines d(1);
    BOOST_TEST(!d.any_armed());
    for (deadline* const each : all_of(d)) {
        static_cast<void>(list.put(*each, time_point(1s)));
        BOOST_TEST(d.any_armed());
        deadline_list::remove(*each);
        BOOST_TEST(!d.any_armed());
    }
}

BOOST_AUTO_TEST_CASE(those_of_a_task_go_and_the_others_stay) {
    deadline_list list;
    worker_deadlines d(1);
    for (deadline* const each : all_of(d))
        static_cast<void>(list.put(*each, time_point(1s)));
    d.remove(5);
    for (const deadline* const each : all_of(d)) {
        const bool is_of_the_task = each == &d.run_time[5] || each == &d.stop_grace[5];
        BOOST_TEST(deadline_list::contains(*each) != is_of_the_task);
    }
    d.remove_all();
    BOOST_TEST(!d.any_armed());
    BOOST_TEST(list.first() == nullptr);
}
