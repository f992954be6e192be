// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include <ferry/promise.hpp>

#include <ferry/future.hpp>

#define BOOST_TEST_MODULE promise
#include <boost/test/unit_test.hpp>

#include <atomic>
#include <stdexcept>
#include <string>
#include <thread>

using namespace ferry;

BOOST_AUTO_TEST_CASE(cancel_works_before_the_start_only) { // CF-FUT-03 CF-CAN-04
    promise<int> p;
    auto f = p.get_future();
    bool called = false;
    f.add_done_callback([&](future<int> g) { called = g.cancelled(); });
    BOOST_TEST(f.cancel());
    BOOST_TEST(f.cancel());
    BOOST_TEST(called);
    BOOST_TEST(!p.set_running_or_notify_cancel());
    BOOST_CHECK_THROW(f.result(), cancelled_error);
    BOOST_CHECK_THROW(f.exception(), cancelled_error);

    promise<int> q;
    auto g = q.get_future();
    BOOST_TEST(q.set_running_or_notify_cancel()); // CF-FUT-27
    BOOST_CHECK_THROW(q.set_running_or_notify_cancel(), invalid_state_error);
    BOOST_TEST(g.running());
    BOOST_TEST(!g.cancel());
    q.set_value(1);
    BOOST_CHECK_THROW(q.set_running_or_notify_cancel(), invalid_state_error);
}

BOOST_AUTO_TEST_CASE(a_second_outcome_is_refused_and_the_first_stays) { // CF-FUT-23 -24 -34
    promise<int> p;
    auto f = p.get_future();
    BOOST_CHECK_THROW(p.get_future(), invalid_state_error);
    BOOST_CHECK_THROW(p.set_exception(nullptr), std::invalid_argument);
    p.set_value(1);
    BOOST_CHECK_EXCEPTION(p.set_value(2), invalid_state_error, [](const auto& e) {
        return std::string(e.what()).find("finished") != std::string::npos;
    });
    BOOST_TEST(f.result() == 1);
    promise<int> q;
    auto g = q.get_future();
    const auto first = std::make_exception_ptr(std::out_of_range("first"));
    q.set_exception(first);
    BOOST_CHECK_THROW(q.set_exception(std::make_exception_ptr(2)), invalid_state_error);
    BOOST_TEST((g.exception() == first));
}

BOOST_AUTO_TEST_CASE(references_pass_through) { // CF-FUT-28
    int x = 1;
    promise<int&> p;
    auto f = p.get_future();
    p.set_value(x);
    BOOST_TEST(&f.result() == &x);
}

BOOST_AUTO_TEST_CASE(an_abandoned_promise_leaves_nobody_waiting) {
    future<int> f;
    {
        f = promise<int>().get_future();
    }
    BOOST_CHECK_THROW(f.result(), broken_promise);
}

BOOST_AUTO_TEST_CASE(cancel_and_set_value_race_to_one_outcome) {
    for (int round = 0; round < 2000; ++round) {
        promise<int> p;
        auto f = p.get_future();
        std::atomic<int> gate{0};
        const auto meet = [&] {
            ++gate;
            while (gate.load() < 2) {
            }
        };
        bool stored = true;
        std::thread t([&] {
            meet();
            try {
                p.set_value(1);
            } catch (const invalid_state_error&) {
                stored = false;
            }
        });
        meet();
        const bool cancelled = f.cancel();
        t.join();
        BOOST_REQUIRE(cancelled != stored);
        BOOST_REQUIRE(f.done());
    }
}
