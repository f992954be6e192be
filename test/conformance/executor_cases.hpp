// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

// What everything that runs tasks promises. A file that includes this one says before what it is
// run over: `all`, and those of them in which what was cancelled never runs, `all_that_take_back`.
// What runs in a task is a captureless function, so that it can run anywhere.

#include <ferry/ferry.hpp>

#include "helpers/process_helpers.hpp"

#include <boost/test/unit_test.hpp>

#include <numeric>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace {

int fail(int n) { throw std::out_of_range("failed on " + std::to_string(n)); }
struct point {
    int x = 0;
    std::string name;
};
struct failure : std::exception {
    int code = 0;
    template <class Archive>
    void serialize(Archive& ar) {
        ar(code);
    }
};

} // namespace

// ---- submit and futures -------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE_TEMPLATE(a_call_gives_its_result, E, all) { // CF-SUB-01
    E e;
    BOOST_TEST(e.submit(triple, 14).result(3min) == 42);
    e.submit([] {}).result(3min); // CF-FUT-28
    BOOST_TEST(
        e.submit([](const std::string& s) { return s + "!"; }, std::string("hey")).result(3min) ==
        "hey!");
    BOOST_TEST(e.submit([](point p) { return p.name + std::to_string(p.x); }, point{1, "p"})
                   .result(3min) == "p1");
}

BOOST_AUTO_TEST_CASE_TEMPLATE(an_exception_keeps_its_type_and_text, E, all) { // CF-SUB-08, CF-TP-11
    E e;
    auto f = e.submit(fail, 7);
    BOOST_CHECK_EXCEPTION(f.result(3min), std::out_of_range, [](const std::out_of_range& x) {
        return std::string(x.what()) == "failed on 7";
    });
    BOOST_CHECK(f.exception() != nullptr);
    BOOST_TEST(e.submit(triple, 1).result(3min) == 3); // CF-BRK-11
}

BOOST_AUTO_TEST_CASE_TEMPLATE(an_exception_that_is_returned_is_a_value, E, all) { // CF-SUB-09
    E e;
    const auto f = e.submit(
        [](int n) {
            failure x;
            x.code = n;
            return x;
        },
        7);
    BOOST_TEST(f.result(3min).code == 7);
    BOOST_CHECK(f.exception() == nullptr);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_result_can_be_read_again_and_taken_once, E, all) { // CF-FUT-29
    E e;
    auto f = e.submit([](int n) { return std::string(static_cast<std::size_t>(n), 'x'); }, 3);
    BOOST_TEST(f.result(3min) == "xxx");
    BOOST_TEST(f.result() == "xxx");
    auto copy = f;
    BOOST_TEST(std::move(f).result() == "xxx");
    BOOST_CHECK_THROW(std::move(copy).result(), ferry::invalid_state_error);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_timeout_leaves_the_future_usable, E, all) { // CF-TMO-05, CF-FUT-19
    marker go;
    E e;
    auto f = e.submit(when_touched, go.path());
    BOOST_CHECK_THROW(f.result(1ms), ferry::timeout_error);
    BOOST_TEST(!f.done());
    BOOST_TEST(!f.wait_for(0s));
    touch(go.path());
    BOOST_TEST(f.result(3min) > 0);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(callbacks_run_in_order_and_once, E, all) { // CF-FUT-01, -08
    std::vector<int> order;
    marker go;
    {
        E e;
        auto f = e.submit(when_touched, go.path());
        f.add_done_callback(
            [&](ferry::future<int> done) { order.push_back(done.done() ? 1 : -1); });
        f.add_done_callback([&](ferry::future<int>) { order.push_back(2); });
        touch(go.path());
        f.wait();
    }
    BOOST_TEST(order == (std::vector{1, 2}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE_TEMPLATE(dropping_a_handle_does_not_cancel, E, all) { // CF-FUT-37
    marker ran;
    {
        E e;
        e.submit(touch, ran.path());
    }
    BOOST_TEST(ran.touched());
}

BOOST_AUTO_TEST_CASE_TEMPLATE(what_is_cancelled_before_it_starts_never_runs, E,
                              all_that_take_back) { // CF-CAN-02
    marker ran, go;
    int callbacks = 0;
    {
        E e;
        std::vector<ferry::future<int>> busy{e.submit(when_touched, go.path()),
                                             e.submit(when_touched, go.path())};
        auto f = e.submit(touch, ran.path());
        f.add_done_callback(
            [&](ferry::future<void> done) { callbacks += done.cancelled() ? 1 : 0; });
        BOOST_TEST(f.cancel());
        BOOST_TEST(f.cancel());
        BOOST_TEST(f.cancelled());
        BOOST_TEST(callbacks == 1); // CF-FUT-03
        BOOST_CHECK_THROW(f.result(), ferry::cancelled_error);
        BOOST_CHECK_THROW(f.exception(), ferry::cancelled_error); // CF-CAN-04
        touch(go.path());
        for (auto& b : busy) {
            b.wait();
            BOOST_TEST(!b.cancel());
        }
    }
    BOOST_TEST(!ran.touched());
}

BOOST_AUTO_TEST_CASE_TEMPLATE(half_of_a_batch_can_be_cancelled, E, all) { // CF-CAN-12
    E e;
    std::vector<ferry::future<int>> batch;
    for (int i = 0; i < 100; ++i)
        batch.push_back(e.submit(triple, i));
    for (std::size_t i = 0; i < 100; i += 2)
        batch[i].cancel();
    for (std::size_t i = 0; i < 100; ++i) {
        if (!batch[i].cancelled())
            BOOST_TEST(batch[i].result(3min) == 3 * static_cast<int>(i));
        else
            BOOST_TEST(i % 2 == 0u);
    }
}

BOOST_AUTO_TEST_CASE_TEMPLATE(errors_name_the_label, E, all) {
    marker go;
    E e;
    auto busy = e.submit(when_touched, go.path());
    auto other = e.submit(when_touched, go.path());
    auto f = e.submit(ferry::task_options{.label = "the third"}, triple, 1);
    f.cancel();
    BOOST_CHECK_EXCEPTION(f.result(), ferry::cancelled_error, [](const auto& x) {
        return std::string(x.what()).find("the third") != std::string::npos;
    });
    touch(go.path());
}

// ---- Many at once -------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE_TEMPLATE(as_completed_yields_each_once, E, all) { // CF-ASC-01, -05
    E e;
    std::vector<ferry::future<int>> some;
    for (int i = 0; i < 20; ++i)
        some.push_back(i % 5 == 4 ? e.submit(fail, i) : e.submit(triple, i));
    some.push_back(some.front());
    int values = 0, errors = 0;
    for (ferry::future<int> f : ferry::as_completed(some, 3min))
        ++(f.exception() == nullptr ? values : errors);
    BOOST_TEST(values == 16);
    BOOST_TEST(errors == 4);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(wait_tells_done_from_not_done, E, all) { // CF-WAIT-02, -05, -08, -09
    marker go;
    E e;
    std::vector<ferry::future<int>> some{e.submit(triple, 1), e.submit(triple, 2)};
    BOOST_TEST(ferry::wait(some, {.timeout = 3min}).done.size() == 2u);
    some.push_back(e.submit(when_touched, go.path()));
    const auto first =
        ferry::wait(some, {.timeout = 3min, .return_when = ferry::return_when::first_completed});
    BOOST_TEST(first.done.size() == 2u);
    BOOST_TEST(first.not_done.size() == 1u);
    BOOST_TEST(ferry::wait(some, {.timeout = 1ms}).not_done.size() == 1u);
    some.push_back(e.submit(fail, 1));
    touch(go.path()); // on a strand the failure waits for it
    const auto failed =
        ferry::wait(some, {.timeout = 3min, .return_when = ferry::return_when::first_exception});
    BOOST_TEST(failed.done.size() >= 3u);
    BOOST_TEST(ferry::wait(some, {.timeout = 3min}).not_done.empty());
}

// ---- Coroutines ---------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE_TEMPLATE(a_coroutine_gets_value_and_exception_on_its_own_thread, E,
                              all) { // CF-ASY-01
    E e;
    const auto here = std::this_thread::get_id();
    const int sum = ferry::run([](E& where, std::thread::id home) -> asio::awaitable<int> {
        int n = co_await ferry::run_in_executor(where.target(), triple, 2);
        BOOST_TEST((std::this_thread::get_id() == home));
        try {
            n += co_await ferry::run_in_executor(where.target(), fail, 3);
        } catch (const std::out_of_range&) {
            n += 100;
        }
        BOOST_TEST((std::this_thread::get_id() == home));
        co_return n;
    }(e, here));
    BOOST_TEST(sum == 106);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(gather_keeps_the_order, E, all) { // CF-GAT-01
    E e;
    const auto values = ferry::run([](E& where) -> asio::awaitable<std::vector<int>> {
        std::vector<asio::awaitable<int>> some;
        for (int i = 0; i < 20; ++i)
            some.push_back(ferry::run_in_executor(where.target(), triple, i));
        co_return co_await ferry::gather(std::move(some));
    }(e));
    for (std::size_t i = 0; i < 20; ++i)
        BOOST_TEST(values[i] == 3 * static_cast<int>(i));
}
