// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include <ferry/future.hpp>

#define BOOST_TEST_MODULE future
#include <boost/test/unit_test.hpp>

#include <memory>
#include <sstream>
#include <thread>
#include <unordered_map>
#include <vector>

using namespace ferry;
using namespace std::chrono_literals;

namespace {

template <class T>
std::string printed(const T& f) {
    std::ostringstream out;
    out << f;
    return out.str();
}

} // namespace

BOOST_AUTO_TEST_CASE(callbacks_run_in_order_and_at_once_when_done) { // CF-FUT-01 -05 -08
    promise<int> p;
    auto f = p.get_future();
    std::vector<int> seen;
    f.add_done_callback([&](future<int> g) { seen.push_back(g.result()); });
    f.add_done_callback([&](future<int>) { seen.push_back(2); });
    p.set_value(1);
    f.add_done_callback([&](future<int>) { seen.push_back(3); });
    BOOST_TEST(seen == (std::vector{1, 2, 3}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_callback_that_throws_is_reported_and_stops_nobody) { // CF-FUT-04
    int reported = 0, after = 0;
    const auto previous = set_unhandled_callback([&](std::exception_ptr) { ++reported; });
    promise<void> p;
    auto f = p.get_future();
    f.add_done_callback([](future<void>) { throw 1; });
    f.add_done_callback([&](future<void>) { ++after; });
    p.set_value();
    set_unhandled_callback(previous);
    BOOST_TEST(reported == 1);
    BOOST_TEST(after == 1);
}

BOOST_AUTO_TEST_CASE(cancel_works_before_the_start_only) { // CF-CAN-01 CF-FUT-03 -18
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
}

BOOST_AUTO_TEST_CASE(results_wait_time_out_and_repeat) { // CF-FUT-19 -20 -29 CF-TMO-05
    promise<int> p;
    auto f = p.get_future();
    BOOST_CHECK_THROW(f.result(0s), timeout_error);
    BOOST_CHECK_THROW(f.result(1ms), timeout_error);
    std::thread t([&] { p.set_value(5); });
    BOOST_TEST(f.result() == 5);
    BOOST_TEST(f.result() == 5);
    t.join();
}

BOOST_AUTO_TEST_CASE(a_second_outcome_is_refused_and_the_first_stays) { // CF-FUT-23 -24 -34
    promise<int> p;
    auto f = p.get_future();
    BOOST_CHECK_THROW(p.get_future(), invalid_state_error);
    BOOST_CHECK_THROW(p.set_exception(nullptr), std::invalid_argument);
    p.set_value(1);
    BOOST_CHECK_THROW(p.set_value(2), invalid_state_error);
    BOOST_TEST(f.result() == 1);
}

BOOST_AUTO_TEST_CASE(taking_moves_out_once_and_empties_the_handle) {
    promise<std::unique_ptr<int>> p;
    auto f = p.get_future();
    auto g = f;
    p.set_value(std::make_unique<int>(4));
    BOOST_TEST(*std::move(f).result() == 4);
    BOOST_TEST(!f.valid());
    BOOST_CHECK_THROW(std::move(g).result(), invalid_state_error);
    BOOST_CHECK_THROW(f.done(), no_state_error); // CF-FUT-33
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
    { f = promise<int>().get_future(); }
    BOOST_CHECK_THROW(f.result(), broken_promise);
}

BOOST_AUTO_TEST_CASE(states_are_printed_and_handles_are_keys) { // CF-FUT-16
    promise<int> p;
    auto f = p.get_future();
    BOOST_TEST(printed(f) == "<future pending>");
    p.set_running_or_notify_cancel();
    BOOST_TEST(printed(f) == "<future running>");
    p.set_value(1);
    BOOST_TEST(printed(f) == "<future finished: returned int>");
    promise<int> q;
    auto g = q.get_future();
    q.set_exception(std::make_exception_ptr(std::runtime_error("x")));
    BOOST_TEST(printed(g) == "<future finished: raised std::runtime_error>");
    BOOST_TEST(printed(future<int>()) == "<future invalid>");
    std::unordered_map<future<int>, int> inputs{{f, 1}, {g, 2}};
    BOOST_TEST(inputs.at(g) == 2);
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
