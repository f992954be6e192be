// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include "process/worker_lifecycle.hpp"

#define BOOST_TEST_MODULE worker_lifecycle
#include <boost/test/unit_test.hpp>

#include <limits>

using ferry::detail::hand_out_depth;
using life = ferry::detail::worker_lifecycle;

BOOST_AUTO_TEST_CASE(a_worker_takes_tasks_once_it_is_ready) {
    life w(0);
    BOOST_TEST(w.quota() == 0u);
    BOOST_TEST((w.ready() == life::action::nothing));
    BOOST_TEST(w.quota() == std::numeric_limits<std::size_t>::max());
    w.handed_out();
    w.handed_out();
    BOOST_TEST(w.held() == 2u);
    w.taken_back();
    BOOST_TEST((w.answered() == life::action::nothing));
    BOOST_TEST(w.held() == 0u);
}

BOOST_AUTO_TEST_CASE(it_leaves_when_its_tasks_are_used_up_and_answered) {
    life w(2);
    w.ready();
    w.handed_out();
    w.handed_out();
    BOOST_TEST(w.quota() == 0u);
    w.taken_back(); // does not count
    BOOST_TEST(w.quota() == 1u);
    BOOST_TEST((w.answered() == life::action::nothing));
    w.handed_out();
    BOOST_TEST((w.answered() == life::action::request_exit));
    BOOST_TEST((w.now() == life::stage::leaving));
    BOOST_TEST(w.quota() == 0u);
}

BOOST_AUTO_TEST_CASE(who_does_not_leave_is_terminated_and_then_killed) {
    life w(0);
    w.ready();
    BOOST_TEST((w.leave() == life::action::request_exit));
    BOOST_TEST((w.leave() == life::action::nothing));
    BOOST_TEST((w.grace_over() == life::action::terminate));
    BOOST_TEST((w.terminate() == life::action::nothing));
    BOOST_TEST((w.grace_over() == life::action::kill));
    BOOST_TEST((w.grace_over() == life::action::nothing));
    w.ended();
    BOOST_TEST((w.kill() == life::action::nothing));
}

BOOST_AUTO_TEST_CASE(one_that_never_got_ready_is_terminated_rather_than_asked) {
    life w(0);
    BOOST_TEST((w.leave() == life::action::terminate));
    BOOST_TEST(!w.was_ready());
    w.ready(); // too late
    BOOST_TEST(w.quota() == 0u);
}

BOOST_AUTO_TEST_CASE(killing_comes_at_once_from_every_stage) {
    for (int stage = 0; stage < 3; ++stage) {
        life w(0);
        if (stage > 0)
            w.ready();
        if (stage > 1)
            w.leave();
        BOOST_TEST((w.kill() == life::action::kill));
        BOOST_TEST((w.kill() == life::action::nothing));
        BOOST_TEST((w.grace_over() == life::action::nothing));
    }
}

BOOST_AUTO_TEST_CASE(the_depth_follows_the_run_time) {
    BOOST_TEST(hand_out_depth(-1, 64) == 1u); // nothing is known
    BOOST_TEST(hand_out_depth(0, 64) == 64u);
    BOOST_TEST(hand_out_depth(1'000, 64) == 64u);
    BOOST_TEST(hand_out_depth(10'000, 64) == 10u);
    BOOST_TEST(hand_out_depth(1'000'000, 64) == 1u);
    BOOST_TEST(hand_out_depth(1e18, 64) == 1u);
}

BOOST_AUTO_TEST_CASE(one_that_retires_gets_nothing_more_and_leaves_when_it_holds_nothing) {
    life idle(0);
    idle.ready();
    BOOST_TEST((idle.retire() == life::action::request_exit));
    life busy(0);
    busy.ready();
    busy.handed_out();
    busy.handed_out();
    BOOST_TEST((busy.retire() == life::action::nothing));
    BOOST_TEST(busy.quota() == 0u);
    busy.taken_back();
    BOOST_TEST((busy.retire() == life::action::nothing));
    BOOST_TEST((busy.answered() == life::action::request_exit));
    life last(0);
    last.ready();
    last.handed_out();
    last.taken_back();
    BOOST_TEST((last.retire() == life::action::request_exit));
    BOOST_TEST((last.retire() == life::action::nothing));
}
