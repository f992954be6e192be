// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#define BOOST_TEST_MODULE external_work
#include "pool/external_work.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <functional>
#include <vector>

namespace {

using ferry::detail::external_work;
using ferry::detail::scoped_lock;
using ferry::detail::shared_state_base;

class task final : public ferry::detail::shared_state<void>, public ferry::detail::external_entry {
public:
    external_entry* external() noexcept override { return this; }
    void enter() noexcept override { on_enter(); }
    void stay_out() noexcept override {}

    std::function<void()> on_enter = [] {};
};

// The work and its lock, stepped by one thread, with some tasks.
struct fixture {
    fixture() {
        for (auto& t : tasks)
            t.reset(new task);
    }
    void start(std::size_t i) {
        const scoped_lock lock(mutex);
        work.start(*tasks[i]);
    }
    bool finish(shared_state_base& t) {
        const scoped_lock lock(mutex);
        return work.finish(t);
    }
    void let_in(std::size_t i) {
        const scoped_lock lock(mutex);
        work.let_in(*tasks[i]);
    }
    std::size_t waiting() {
        const scoped_lock lock(mutex);
        std::size_t n = 0;
        work.for_each_waiting([&n](const shared_state_base&) { ++n; });
        return n;
    }
    std::vector<const shared_state_base*> all() {
        std::vector<const shared_state_base*> out;
        work.for_each([&out](shared_state_base& t) { out.push_back(&t); });
        std::ranges::sort(out);
        return out;
    }

    ferry::detail::adaptive_mutex mutex;
    ferry::detail::recording::pool record{};
    external_work work{mutex, record};
    std::array<boost::intrusive_ptr<task>, 3> tasks;
};

} // namespace

BOOST_FIXTURE_TEST_CASE(it_is_done_when_the_last_has_finished_or_nobody_waits_for_it, fixture) {
    BOOST_TEST(work.is_done());
    start(0);
    start(1);
    BOOST_TEST(!finish(*tasks[0]));
    BOOST_TEST(!work.is_done());
    BOOST_TEST(finish(*tasks[1]));
    BOOST_TEST(work.is_done());
    start(2);
    BOOST_TEST(!work.is_done());
    work.abandon();
    BOOST_TEST(work.is_done());
}

BOOST_FIXTURE_TEST_CASE(each_is_told_once_although_some_finish_meanwhile, fixture) {
    for (std::size_t i = 0; i < tasks.size(); ++i)
        start(i);
    BOOST_TEST(all().size() == 3u);
    const auto again = all();
    BOOST_TEST((std::ranges::adjacent_find(again) == again.end()));
    BOOST_TEST(again.size() == 3u);

    // The first one that is told finishes itself and another one, which is told no more.
    shared_state_base* other = nullptr;
    std::size_t told = 0;
    work.for_each([&](shared_state_base& t) {
        ++told;
        BOOST_TEST(&t != other);
        if (other != nullptr)
            return;
        other = std::ranges::find_if(tasks, [&](const auto& o) { return o.get() != &t; })->get();
        finish(t);
        finish(*other);
    });
    BOOST_TEST(told == 2u);
    BOOST_TEST(all().size() == 1u);
}

// One that is let in by the entry of another one is passed on by the same call, after it.
BOOST_FIXTURE_TEST_CASE(they_are_passed_on_one_after_the_other_in_order, fixture) {
    std::vector<int> order;
    tasks[0]->on_enter = [&] {
        order.push_back(0);
        let_in(2);
        work.pass_on();
        order.push_back(10);
    };
    tasks[1]->on_enter = [&] { order.push_back(1); };
    tasks[2]->on_enter = [&] { order.push_back(2); };
    let_in(0);
    let_in(1);
    work.pass_on();
    BOOST_TEST(order == (std::vector<int>{0, 10, 1, 2}), boost::test_tools::per_element());
    order.clear();
    work.pass_on();
    BOOST_TEST(order.empty());
}

BOOST_FIXTURE_TEST_CASE(one_that_was_let_in_counts_until_it_leaves_the_queue, fixture) {
    let_in(0);
    let_in(1);
    work.pass_on();
    BOOST_TEST(work.queued() == 2u);
    BOOST_TEST(record.elsewhere.load() == 2); // for readers outside
    BOOST_TEST(work.leave_queue(*tasks[0]));
    BOOST_TEST(!work.leave_queue(*tasks[0])); // only once
    BOOST_TEST(!work.leave_queue(*tasks[2])); // which never came
    BOOST_TEST(work.queued() == 1u);
    BOOST_TEST(record.elsewhere.load() == 1);
}

BOOST_FIXTURE_TEST_CASE(those_that_wait_are_found_until_they_are_cancelled, fixture) {
    for (std::size_t i = 0; i < tasks.size(); ++i)
        start(i);
    BOOST_TEST(waiting() == 0u);
    work.wait(*tasks[0]);
    work.wait(*tasks[1]);
    work.wait(*tasks[1]);
    BOOST_TEST(work.queued() == 2u);
    BOOST_TEST(waiting() == 2u);
    all(); // told or not
    BOOST_TEST(waiting() == 2u);
    BOOST_TEST(tasks[0]->cancel());
    BOOST_TEST(waiting() == 1u);
    finish(*tasks[1]);
    BOOST_TEST(waiting() == 0u);
}
