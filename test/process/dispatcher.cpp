// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#define BOOST_TEST_MODULE dispatcher
#include <boost/test/unit_test.hpp>

#include "process/dispatcher.hpp"

#include <deque>
#include <memory>
#include <vector>

// Who gets what, step by step: no process, no thread and no task.

using ferry::detail::dispatch_item;
using ferry::detail::dispatch_queue;
using ferry::detail::dispatch_worker;
using ferry::detail::dispatcher;
using action = dispatcher::action;

namespace {

constexpr std::size_t most_held = 8;

/// A dispatcher with items and workers, whose steps all succeed unless a test does them itself.
struct bench {
    explicit bench(std::size_t most_workers, std::size_t max_tasks = 0)
        : d(most_workers, most_held), max_tasks_(max_tasks) {}
    ~bench() {
        for (auto& i : items) {
            if (dispatch_queue::contains(i))
                d.queue().remove(i);
        }
        for (auto& w : workers) {
            w.items.clear();
            d.workers().remove(w);
        }
    }

    dispatch_item& push(int priority = 0, std::uint32_t known_to = 0) {
        auto& i = items.emplace_back();
        i.priority = priority;
        i.known_to = known_to;
        d.queue().push(i);
        return i;
    }
    void push_many(int count) {
        while (count-- != 0)
            push();
    }
    dispatch_worker& starting() {
        auto& w = workers.emplace_back(static_cast<std::uint32_t>(workers.size() + 1), max_tasks_);
        d.workers().add(w);
        return w;
    }
    dispatch_worker& serving() {
        auto& w = starting();
        w.life.ready();
        return w;
    }
    /// Does what `next` says.
    void give(const dispatcher::step& s) {
        BOOST_REQUIRE(s.what == action::give);
        d.queue().remove(*s.item);
        s.item->number = d.next_number();
        d.given(*s.item, *s.worker);
    }
    void revoke(const dispatcher::step& s) {
        BOOST_REQUIRE(s.what == action::revoke);
        d.taken_back(*s.item, *s.worker);
        d.queue().requeue(*s.item);
    }
    /// A whole round; how many items were given.
    std::size_t round() {
        std::size_t count = 0;
        d.begin_round();
        for (auto s = d.next(); s.what != action::nothing; s = d.next()) {
            BOOST_REQUIRE_LT(++count, 1000u);
            s.what == action::give ? give(s) : revoke(s);
        }
        return count;
    }
    void answer(dispatch_item& i, dispatch_worker& w) { static_cast<void>(d.answered(i, w)); }
    void answer_all(dispatch_worker& w) {
        while (!w.items.empty())
            answer(w.items.front(), w);
    }

    dispatcher d;
    std::deque<dispatch_item> items;
    std::deque<dispatch_worker> workers;

private:
    std::size_t max_tasks_;
};

} // namespace

BOOST_AUTO_TEST_CASE(nothing_is_given_to_who_does_not_serve) {
    bench b(2);
    b.push();
    BOOST_TEST(b.round() == 0u);
    auto& w = b.starting();
    BOOST_TEST(b.round() == 0u);
    w.life.ready();
    BOOST_TEST(b.round() == 1u);
    BOOST_TEST(b.d.queue().empty());
    BOOST_TEST(w.life.held() == 1u);
    w.life.terminate();
    b.push();
    BOOST_TEST(b.round() == 0u);
    BOOST_TEST(b.d.queue().size() == 1u);
}

BOOST_AUTO_TEST_CASE(higher_priorities_go_first_and_equals_in_their_order) {
    bench b(1);
    auto& first = b.push();
    auto& second = b.push();
    auto& urgent = b.push(7);
    auto& late = b.push(-1);
    auto& w = b.serving();
    for (auto* const expected : {&urgent, &first, &second, &late}) {
        b.d.begin_round();
        const auto s = b.d.next();
        BOOST_TEST(s.item == expected);
        b.give(s);
        BOOST_CHECK(b.d.next().what ==
                    action::nothing); // one at a time, as long as nothing is known
        b.answer(*expected, w);
    }
}

BOOST_AUTO_TEST_CASE(who_is_put_back_goes_first_again) {
    bench b(2);
    auto& first = b.push();
    b.push();
    auto& w = b.serving();
    BOOST_TEST(b.round() == 1u);
    b.d.taken_back(first, w);
    b.d.queue().requeue(first);
    BOOST_TEST(w.life.held() == 0u);
    b.d.begin_round();
    const auto s = b.d.next();
    BOOST_TEST(s.item == &first);
    b.give(s);
}

BOOST_AUTO_TEST_CASE(the_idle_worker_that_knows_the_arguments_is_preferred) {
    bench b(3);
    auto& one = b.serving();
    auto& two = b.serving();
    auto& three = b.serving();
    auto& i = b.push(0, 2);
    b.round();
    BOOST_TEST(two.life.held() == 1u);
    b.answer(i, two);
    b.push(0, 9); // who knows it has ended: anybody
    b.round();
    BOOST_TEST(one.life.held() == 1u);
    BOOST_TEST(three.life.held() == 0u);
}

BOOST_AUTO_TEST_CASE(short_tasks_are_handed_out_ahead_only_once_all_workers_are_there) {
    bench b(2);
    b.d.ran(1'000);
    auto& one = b.serving();
    b.push_many(20);
    BOOST_TEST(b.round() == 1u); // another worker may come
    auto& two = b.serving();
    b.round();
    BOOST_TEST(one.life.held() == most_held);
    BOOST_TEST(two.life.held() == most_held);
    BOOST_TEST(b.d.queue().size() == 20 - 2 * most_held);
}

BOOST_AUTO_TEST_CASE(long_tasks_are_not_handed_out_ahead) {
    bench b(1);
    auto& w = b.serving();
    for (int n = 0; n < 100; ++n)
        b.d.ran(5'000'000);
    b.push();
    b.push();
    b.round();
    BOOST_TEST(w.life.held() == 1u);
    BOOST_TEST(b.d.queue().size() == 1u);
}

BOOST_AUTO_TEST_CASE(the_worker_that_holds_least_gets_the_next) {
    bench b(2);
    b.d.ran(1'000);
    auto& one = b.serving();
    auto& two = b.serving();
    b.push_many(6);
    b.round();
    BOOST_TEST(one.life.held() == 3u);
    BOOST_TEST(two.life.held() == 3u);
}

BOOST_AUTO_TEST_CASE(who_refuses_is_passed_over_until_the_next_round) {
    bench b(2);
    auto& one = b.serving();
    auto& two = b.serving();
    auto& i = b.push();
    b.d.begin_round();
    auto s = b.d.next();
    BOOST_TEST(s.worker == &one);
    b.d.refused(one);
    s = b.d.next();
    BOOST_TEST(s.item == &i);
    BOOST_TEST(s.worker == &two);
    b.d.refused(two);
    BOOST_CHECK(b.d.next().what == action::nothing);
    b.d.begin_round();
    s = b.d.next();
    BOOST_TEST(s.worker == &one);
    b.give(s);
}

BOOST_AUTO_TEST_CASE(a_worker_for_which_something_is_made_ready_is_not_idle) {
    bench b(2);
    auto& one = b.serving();
    auto& two = b.serving();
    one.promised = 1;
    b.push();
    b.push();
    BOOST_TEST(b.round() == 1u);
    BOOST_TEST(two.life.held() == 1u);
    one.promised = 0;
    BOOST_TEST(b.round() == 1u);
    BOOST_TEST(one.life.held() == 1u);
}

BOOST_AUTO_TEST_CASE(who_refused_is_not_asked_again_when_a_round_is_resumed) {
    bench b(1);
    auto& w = b.serving();
    b.push();
    b.d.begin_round();
    BOOST_CHECK(b.d.next().what == action::give);
    b.d.refused(w);
    b.d.resume_round();
    BOOST_CHECK(b.d.next().what == action::nothing);
    b.d.begin_round();
    BOOST_CHECK(b.d.next().what == action::give);
}

BOOST_AUTO_TEST_CASE(an_idle_worker_takes_the_later_half_of_what_another_holds) {
    bench b(2);
    b.d.ran(1'000);
    auto& busy = b.serving();
    auto& idle = b.serving();
    idle.life.handed_out(); // something that is not of interest here
    b.push_many(9);
    b.round();
    const std::size_t before = busy.life.held();
    BOOST_TEST(before >= 4u);
    auto& latest = busy.items.back();
    b.answer_all(idle);
    static_cast<void>(idle.life.answered());
    BOOST_TEST(idle.life.held() == 0u);
    b.d.begin_round();
    auto s = b.d.next();
    BOOST_CHECK(s.what == action::revoke);
    BOOST_TEST(s.worker == &busy);
    BOOST_TEST(s.item == &latest);
    for (; s.what != action::nothing; s = b.d.next())
        s.what == action::give ? b.give(s) : b.revoke(s);
    BOOST_TEST(idle.life.held() >= before / 2);
    BOOST_TEST(busy.life.held() + idle.life.held() == before);
    BOOST_TEST(b.d.queue().empty());
}

BOOST_AUTO_TEST_CASE(what_has_started_ends_the_theft) {
    bench b(2);
    b.d.ran(1'000);
    auto& busy = b.serving();
    auto& idle = b.serving();
    b.push_many(8);
    b.round();
    b.answer_all(idle);
    const std::size_t before = busy.life.held();
    b.d.begin_round();
    b.revoke(b.d.next());
    BOOST_CHECK(b.d.next().what == action::revoke);
    b.d.not_revoked();
    auto s = b.d.next();
    BOOST_TEST(s.worker == &idle); // what there was of it is given on
    b.give(s);
    BOOST_CHECK(b.d.next().what == action::nothing);
    BOOST_TEST(busy.life.held() == before - 1);

    b.answer(idle.items.front(), idle);
    b.d.begin_round();
    BOOST_CHECK(b.d.next().what == action::revoke);
    b.d.not_revoked();
    BOOST_CHECK(b.d.next().what == action::nothing); // there is nothing to be had from it
}

BOOST_AUTO_TEST_CASE(a_single_held_task_is_not_stolen) {
    bench b(2);
    b.serving();
    b.serving();
    b.push();
    b.round();
    b.d.begin_round();
    BOOST_CHECK(b.d.next().what == action::nothing);
}

BOOST_AUTO_TEST_CASE(each_idle_worker_gets_its_share_of_the_loot) {
    bench b(4);
    b.d.ran(1'000);
    for (int n = 0; n < 4; ++n)
        b.serving();
    b.push_many(32);
    b.round();
    for (std::size_t n = 1; n < 4; ++n)
        b.answer_all(b.workers[n]);
    const std::size_t left = b.workers[0].life.held();
    BOOST_TEST(left == most_held);
    b.round();
    std::size_t sum = 0;
    for (auto& w : b.workers) {
        BOOST_TEST(w.life.held() >= 1u);
        sum += w.life.held();
    }
    BOOST_TEST(sum == left);
}

BOOST_AUTO_TEST_CASE(a_worker_is_given_no_more_tasks_than_it_may_run) {
    bench b(1, 3);
    b.d.ran(1'000);
    auto& w = b.serving();
    b.push_many(5);
    BOOST_TEST(b.round() == 3u);
    BOOST_TEST(b.d.queue().size() == 2u);
    auto& back = w.items.back();
    b.d.taken_back(back, w); // it does not count
    b.d.queue().requeue(back);
    BOOST_TEST(b.round() == 1u);
    BOOST_TEST(w.life.held() == 3u);
}

BOOST_AUTO_TEST_CASE(another_worker_is_wanted_while_more_waits_than_starts) {
    bench b(3);
    BOOST_TEST(!b.d.wants_worker());
    b.push();
    BOOST_TEST(b.d.wants_worker());
    b.starting();
    BOOST_TEST(!b.d.wants_worker());
    b.push();
    BOOST_TEST(b.d.wants_worker());
    b.starting();
    b.push();
    b.push();
    b.starting();
    BOOST_TEST(!b.d.wants_worker()); // that is the most
    BOOST_TEST(!b.d.workers().any_serves());
    BOOST_TEST(!b.d.workers().any_held());
    b.workers.front().life.ready();
    BOOST_TEST(b.d.workers().any_serves());
    b.round();
    BOOST_TEST(b.d.workers().any_held());
}
