// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include <ferry/as_completed.hpp>

#include <ferry/thread_pool.hpp>

#include "helpers/gate.hpp"

#define BOOST_TEST_MODULE as_completed
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/test/unit_test.hpp>

#include <set>
#include <unordered_map>

using namespace ferry;
using namespace std::chrono_literals;
namespace asio = boost::asio;

BOOST_AUTO_TEST_CASE(it_is_an_input_range) {
    static_assert(std::ranges::input_range<as_completed_view<int>>);
    static_assert(
        std::is_same_v<std::ranges::range_reference_t<as_completed_view<int>>, future<int>&&>);
}

BOOST_AUTO_TEST_CASE(
    every_future_comes_once_and_those_that_were_done_come_first) { // CF-ASC-01 CF-ASC-02
    gate go;
    thread_pool pool(2);
    std::vector<future<int>> all{pool.submit([&] {
        go.pass();
        return 1;
    })};
    promise<int> done, failed, cancelled;
    all.push_back(done.get_future());
    all.push_back(failed.get_future());
    all.push_back(cancelled.get_future());
    done.set_value(2);
    failed.set_exception(std::make_exception_ptr(std::runtime_error("x")));
    all.back().cancel();
    std::vector<future<int>> seen;
    for (auto f : as_completed(all)) {
        seen.push_back(f);
        if (seen.size() == 3)
            go.open();
    }
    BOOST_REQUIRE(seen.size() == 4u);
    BOOST_TEST((seen.back() == all.front()));
    for (auto& f : seen)
        BOOST_TEST(f.done());
}

BOOST_AUTO_TEST_CASE(a_timeout_says_how_many_are_unfinished) { // CF-ASC-04 CF-ASC-07
    promise<int> a, b, c, d;
    std::vector<future<int>> all{a.get_future(), b.get_future(), c.get_future(), d.get_future()};
    b.set_value(1);
    d.set_value(1);
    for (const timeout limit : {0ms, 1ms}) {
        int n = 0;
        try {
            for (auto f : as_completed(all, limit)) {
                BOOST_TEST(f.done());
                ++n;
            }
            BOOST_FAIL("it must time out");
        } catch (const timeout_error& e) {
            BOOST_TEST(e.unfinished() == 2u);
            BOOST_TEST(e.total() == 4u);
            BOOST_TEST(std::string(e.what()).find("2 of 4") != std::string::npos);
        }
        BOOST_TEST(n == 2);
    }
}

BOOST_AUTO_TEST_CASE(repetitions_come_once_and_maps_can_be_keyed) { // CF-ASC-05
    thread_pool pool(2);
    std::unordered_map<future<int>, std::string> names;
    names.emplace(pool.submit([] { return 1; }), "one");
    names.emplace(pool.submit([] { return 2; }), "two");
    std::set<std::string> seen;
    for (auto f : as_completed(std::views::keys(names)))
        seen.insert(names.at(f));
    BOOST_TEST(seen.size() == 2u);
    const auto f = names.begin()->first;
    int n = 0;
    for (auto same : as_completed(std::vector{f, f, f}))
        n += same == f ? 1 : 100;
    BOOST_TEST(n == 1);
}

BOOST_AUTO_TEST_CASE(nothing_ends_at_once_even_without_time) { // CF-ASC-12
    for (auto f : as_completed(std::vector<future<int>>(), 0s))
        BOOST_FAIL("there is nothing" << f);
}

BOOST_AUTO_TEST_CASE(nothing_yielded_is_kept) {
    auto value = std::make_shared<int>(1);
    promise<std::shared_ptr<int>> never;
    auto p = std::make_optional<promise<std::shared_ptr<int>>>();
    std::vector<future<std::shared_ptr<int>>> all{p->get_future(), never.get_future()};
    auto view = as_completed(all);
    all.clear();
    p->set_value(value);
    p.reset();
    BOOST_TEST(value.use_count() == 2);
    auto it = view.begin();
    {
        const auto f = *it;
        BOOST_TEST(value.use_count() == 2);
    }
    BOOST_TEST(value.use_count() == 1);
}

BOOST_AUTO_TEST_CASE(a_worker_that_iterates_runs_its_own_pools_tasks) { // CF-DLK-08
    thread_pool pool(1);
    const int sum = pool.submit([&] {
                            std::vector<future<int>> parts;
                            for (int i = 0; i < 10; ++i)
                                parts.push_back(pool.submit([i] { return i; }));
                            int n = 0;
                            for (auto f : as_completed(parts))
                                n += f.result();
                            return n;
                        })
                        .result();
    BOOST_TEST(sum == 45);
}

BOOST_AUTO_TEST_CASE(coroutines_get_one_each_and_then_the_end) { // CF-GAT-16
    thread_pool pool(2);
    asio::io_context io;
    std::vector<future<int>> all;
    for (int i = 0; i < 100; ++i)
        all.push_back(pool.submit([i] { return i; }));
    auto view = as_completed(all);
    std::set<int> seen;
    int ended = 0;
    for (int i = 0; i < 3; ++i)
        asio::co_spawn(
            io,
            [&]() -> asio::awaitable<void> {
                while (auto f = co_await view.async_next())
                    seen.insert(f->result());
                ++ended;
            },
            asio::detached);
    io.run();
    BOOST_TEST(seen.size() == 100u);
    BOOST_TEST(ended == 3);
}

BOOST_AUTO_TEST_CASE(a_coroutine_sees_the_timeout_and_a_temporary_may_be_awaited) { // CF-GAT-16
    promise<int> a, b;
    std::vector<future<int>> all{a.get_future(), b.get_future()};
    a.set_value(7);
    asio::io_context io;
    std::size_t unfinished = 0;
    int first = 0;
    asio::co_spawn(
        io,
        [&]() -> asio::awaitable<void> {
            first = (co_await as_completed(all).async_next())->result();
            auto view = as_completed(all, 1ms);
            co_await view.async_next();
            try {
                co_await view.async_next();
            } catch (const timeout_error& e) {
                unfinished = e.unfinished();
            }
            BOOST_TEST(!(co_await view.async_next()).has_value());
        },
        asio::detached);
    io.run();
    BOOST_TEST(first == 7);
    BOOST_TEST(unfinished == 1u);
}

BOOST_AUTO_TEST_CASE(leaving_and_resuming_loses_nothing) {
    promise<int> a;
    std::vector<future<int>> all{a.get_future()};
    auto view = as_completed(all);
    asio::io_context io;
    asio::cancellation_signal leave;
    bool left = false;
    view.async_next(asio::bind_cancellation_slot(
        leave.slot(), asio::bind_executor(io.get_executor(),
                                          [&](std::exception_ptr e, std::optional<future<int>>) {
                                              left = e != nullptr;
                                          })));
    leave.emit(asio::cancellation_type::terminal);
    io.run();
    BOOST_TEST(left);
    a.set_value(3);
    for (auto f : view)
        BOOST_TEST(f.result() == 3);
}

BOOST_AUTO_TEST_CASE(completing_and_iterating_race) {
    thread_pool pool(2);
    for (int round = 0; round < 1000; ++round) {
        std::vector<future<int>> all;
        for (int i = 0; i < 8; ++i)
            all.push_back(pool.submit([i] { return i; }));
        all[static_cast<std::size_t>(round % 8)].cancel();
        int n = 0;
        for (auto f : as_completed(all)) {
            ++n;
            if (round % 3 == 0 && n == 4)
                break; // the rest is let go while it completes
        }
        BOOST_REQUIRE(n == (round % 3 == 0 ? 4 : 8));
    }
}

BOOST_AUTO_TEST_CASE(a_coroutine_gets_each_future_once_as_it_completes) { // CF-GAT-16
    promise<int> a, b, c;
    const std::vector<future<int>> all{a.get_future(), b.get_future(), c.get_future()};
    std::vector<future<int>> seen;
    asio::io_context io;
    asio::co_spawn(
        io,
        [&]() -> asio::awaitable<void> {
            auto view = as_completed(std::vector{all[0], all[1], all[2], all[1]});
            for (auto* p : {&c, &a, &b}) {
                p->set_value(1);
                seen.push_back((co_await view.async_next()).value());
            }
            BOOST_TEST(!(co_await view.async_next()).has_value());
        },
        asio::detached);
    io.run();
    BOOST_TEST((seen == std::vector{all[2], all[0], all[1]}));
}

BOOST_AUTO_TEST_CASE(one_who_is_cancelled_leaves_the_next_to_another_who_waits) {
    for (const bool first_leaves : {true, false}) {
        asio::io_context io;
        promise<int> p;
        const std::vector all{p.get_future()};
        auto view = as_completed(all);
        asio::cancellation_signal leave;
        int given = 0, left = 0;
        const auto wait = [&](bool leaves) {
            const auto report = [&](std::exception_ptr e, std::optional<future<int>> f) {
                left += e ? 1 : 0;
                given += f ? f->result() : 0;
            };
            if (leaves)
                view.async_next(asio::bind_cancellation_slot(
                    leave.slot(), asio::bind_executor(io.get_executor(), report)));
            else
                view.async_next(asio::bind_executor(io.get_executor(), report));
        };
        wait(first_leaves);
        wait(!first_leaves);
        leave.emit(asio::cancellation_type::terminal);
        io.poll();
        BOOST_TEST(left == 1);
        BOOST_TEST(given == 0);
        p.set_value(7);
        io.restart();
        io.run();
        BOOST_TEST(left == 1);
        BOOST_TEST(given == 7);
    }
}
