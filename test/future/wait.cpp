// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include <ferry/wait.hpp>

#include <ferry/as_completed.hpp>
#include <ferry/map.hpp>
#include <ferry/thread_pool.hpp>

#include "helpers/gate.hpp"

#define BOOST_TEST_MODULE wait
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/test/unit_test.hpp>

#include <map>
#include <ranges>
#include <thread>

using namespace ferry;
using namespace std::chrono_literals;
namespace asio = boost::asio;

namespace {

struct three {
    promise<int> a, b, c;
    std::vector<future<int>> all{a.get_future(), b.get_future(), c.get_future()};
};

} // namespace

BOOST_AUTO_TEST_CASE(repetitions_count_once) { // CF-WAIT-01
    three t;
    t.a.set_value(1);
    const auto r = ferry::wait(std::vector{t.all[0], t.all[0], t.all[0]});
    BOOST_TEST(r.done.size() == 1u);
    BOOST_TEST(r.not_done.empty());
}

BOOST_AUTO_TEST_CASE(first_completed_returns_with_the_first) { // CF-WAIT-02 -15
    three t;
    std::jthread setter([&] { t.b.set_value(2); });
    const auto r = ferry::wait(t.all, {.return_when = return_when::first_completed});
    BOOST_REQUIRE(r.done.size() == 1u);
    BOOST_TEST((r.done[0] == t.all[1]));
    BOOST_TEST(r.not_done.size() == 2u);
}

BOOST_AUTO_TEST_CASE(a_cancelled_future_is_done_at_once) { // CF-WAIT-04
    three t;
    t.all[2].cancel();
    const auto r = ferry::wait(t.all, {.return_when = return_when::first_completed});
    BOOST_REQUIRE(r.done.size() == 1u);
    BOOST_TEST((r.done[0] == t.all[2]));
}

BOOST_AUTO_TEST_CASE(first_exception_returns_with_the_first_failure) { // CF-WAIT-05
    three t;
    t.a.set_value(1);
    std::jthread setter(
        [&] { t.b.set_exception(std::make_exception_ptr(std::runtime_error("x"))); });
    const auto r = ferry::wait(t.all, {.return_when = return_when::first_exception});
    BOOST_TEST(r.done.size() == 2u);
    BOOST_TEST(r.not_done.size() == 1u);
}

BOOST_AUTO_TEST_CASE(
    first_exception_sees_an_earlier_failure_and_ignores_cancellation) { // CF-WAIT-06
    three t;
    t.all[0].cancel();
    const auto still =
        ferry::wait(t.all, {.timeout = 0s, .return_when = return_when::first_exception});
    BOOST_TEST(still.not_done.size() == 2u);
    t.b.set_exception(std::make_exception_ptr(1));
    const auto r = ferry::wait(t.all, {.return_when = return_when::first_exception});
    BOOST_TEST(r.done.size() == 2u);
}

BOOST_AUTO_TEST_CASE(all_completed_waits_for_every_kind_of_ending) { // CF-WAIT-08 -15
    three t;
    std::jthread setter([&] {
        t.a.set_value(1);
        t.b.set_exception(std::make_exception_ptr(1));
        t.all[2].cancel();
    });
    BOOST_TEST(ferry::wait(t.all).done.size() == 3u);
}

BOOST_AUTO_TEST_CASE(a_timeout_is_no_error_and_keeps_the_futures_usable) { // CF-WAIT-09 CF-TMO-05
    three t;
    t.a.set_value(1);
    const auto r = ferry::wait(t.all, {.timeout = 1ms});
    BOOST_TEST(r.done.size() == 1u);
    BOOST_TEST(r.not_done.size() == 2u);
    t.b.set_value(5);
    BOOST_TEST(t.all[1].result() == 5);
}

BOOST_AUTO_TEST_CASE(nothing_to_wait_for_returns_at_once) { // CF-WAIT-12
    for (auto when :
         {return_when::all_completed, return_when::first_completed, return_when::first_exception}) {
        const auto r = ferry::wait(std::vector<future<int>>(), {.return_when = when});
        BOOST_TEST(r.done.empty());
        BOOST_TEST(r.not_done.empty());
    }
}

BOOST_AUTO_TEST_CASE(keys_of_a_map_and_an_invalid_handle) {
    three t;
    std::map<int, future<int>> by_number{{1, t.all[0]}, {2, t.all[1]}};
    t.a.set_value(1);
    t.b.set_value(2);
    BOOST_TEST(ferry::wait(std::views::values(by_number)).done.size() == 2u);
    BOOST_CHECK_THROW(ferry::wait(std::vector{t.all[0], future<int>()}), no_state_error);
}

BOOST_AUTO_TEST_CASE(futures_of_different_origin_mix) { // CF-IOP-01 CF-IOP-02
    thread_pool one(1), two(1);
    promise<int> p;
    std::vector<future<int>> all{one.submit([] { return 1; }), two.submit([] { return 2; }),
                                 p.get_future()};
    p.set_value(3);
    BOOST_TEST(ferry::wait(all).done.size() == 3u);
}

BOOST_AUTO_TEST_CASE(a_worker_that_waits_runs_its_own_pools_tasks) { // CF-DLK-08
    thread_pool pool(1);
    const int sum = pool.submit([&] {
                            std::vector<future<int>> parts;
                            for (int i = 0; i < 10; ++i)
                                parts.push_back(pool.submit([i] { return i; }));
                            ferry::wait(parts);
                            int n = 0;
                            for (auto& p : parts)
                                n += p.result();
                            return n;
                        })
                        .result();
    BOOST_TEST(sum == 45);
}

BOOST_AUTO_TEST_CASE(a_coroutine_can_wait) { // CF-GAT-14
    three t;
    thread_pool pool(1);
    asio::io_context io;
    std::size_t first = 0, all = 0, late = 0, failed = 0;
    asio::co_spawn(
        io,
        [&]() -> asio::awaitable<void> {
            late = (co_await async_wait(t.all, {.timeout = 1ms})).not_done.size();
            pool.submit([&] { t.b.set_value(1); });
            first = (co_await async_wait(t.all, {.return_when = return_when::first_completed}))
                        .done.size();
            pool.submit([&] { t.a.set_exception(std::make_exception_ptr(1)); });
            failed = (co_await async_wait(t.all, {.return_when = return_when::first_exception}))
                         .done.size();
            pool.submit([&] { t.c.set_value(1); });
            all = (co_await async_wait(t.all)).done.size();
        },
        asio::detached);
    io.run();
    BOOST_TEST(late == 3u);
    BOOST_TEST(first == 1u);
    BOOST_TEST(failed == 2u);
    BOOST_TEST(all == 3u);
}

BOOST_AUTO_TEST_CASE(the_first_is_told_and_the_others_stay_usable) { // CF-GAT-19
    for (const std::size_t winner : {0u, 1u, 2u}) {
        three t;
        promise<int>* const promises[] = {&t.a, &t.b, &t.c};
        asio::io_context io;
        wait_result<int> r;
        const auto body = [&]() -> asio::awaitable<void> {
            wait_options options{.return_when = return_when::first_completed};
            r = co_await async_wait(t.all, options);
        };
        asio::co_spawn(io, body(), asio::detached);
        io.poll();
        promises[winner]->set_value(7);
        io.restart();
        io.run();
        BOOST_REQUIRE(r.done.size() == 1u);
        BOOST_TEST((r.done[0] == t.all[winner]));
        BOOST_REQUIRE(r.not_done.size() == 2u);
        std::size_t n = 0;
        for (std::size_t i : {0u, 1u, 2u}) {
            if (i == winner)
                continue;
            BOOST_TEST((r.not_done[n] == t.all[i]));
            BOOST_TEST(!r.not_done[n].done());
            promises[i]->set_value(static_cast<int>(i));
            BOOST_TEST(r.not_done[n++].result(0s) == static_cast<int>(i));
        }
    }
}

BOOST_AUTO_TEST_CASE(a_callback_can_wait) {
    three t;
    asio::io_context io;
    std::size_t done = 0;
    async_wait(
        t.all, {.return_when = return_when::first_completed},
        asio::bind_executor(io.get_executor(), [&](std::exception_ptr e, wait_result<int> r) {
            BOOST_TEST(!e);
            done = r.done.size();
        }));
    t.c.set_value(1);
    BOOST_TEST(done == 0u);
    io.run();
    BOOST_TEST(done == 1u);
}

BOOST_AUTO_TEST_CASE(waiting_and_completing_race) {
    thread_pool pool(2);
    for (int round = 0; round < 2000; ++round) {
        std::vector<future<int>> all;
        for (int i = 0; i < 4; ++i)
            all.push_back(pool.submit([i] { return i; }));
        all[static_cast<std::size_t>(round % 4)].cancel();
        const auto rule =
            round % 2 == 0 ? return_when::all_completed : return_when::first_completed;
        const auto r = ferry::wait(all, {.return_when = rule});
        BOOST_REQUIRE(r.done.size() + r.not_done.size() == 4);
        BOOST_REQUIRE(r.done.size() >= (round % 2 == 0 ? 4u : 1u));
    }
}

BOOST_AUTO_TEST_CASE(every_wait_takes_any_duration_and_none) { // CF-TMO-01
    promise<int> p, q;
    const std::vector<future<int>> pending{p.get_future()}, done{q.get_future()};
    q.set_value(1);
    gate go;
    thread_pool busy(1);
    const auto blocker = busy.submit([&] { go.pass(); });
    const auto identity = [](int n) { return n; };
    const std::vector<int> inputs{7};
    const auto fraction = std::chrono::duration<float, std::micro>(0.25f);
    for (const timeout limit : {timeout(0.5ms), timeout(fraction), timeout(1ms), timeout(0h),
                                timeout(0.0s), timeout(-1s)}) {
        BOOST_CHECK_THROW(pending[0].result(limit), timeout_error);
        BOOST_CHECK_THROW(pending[0].exception(limit), timeout_error);
        BOOST_TEST(!pending[0].wait_for(limit));
        BOOST_TEST(ferry::wait(pending, {.timeout = limit}).done.empty());
        BOOST_CHECK_THROW(*as_completed(pending, limit).begin(), timeout_error);
        auto view = busy.map({.timeout = limit}, identity, inputs);
        BOOST_CHECK_THROW(*view.begin(), timeout_error);
    }
    go.open();
    for (const timeout limit :
         {timeout(), timeout(std::nullopt), timeout(std::chrono::hours::max()),
          timeout(std::chrono::duration<double>(1e300)), timeout(0.5h)}) {
        BOOST_TEST(done[0].result(limit) == 1);
        BOOST_TEST(ferry::wait(done, {.timeout = limit}).done.size() == 1u);
        BOOST_TEST((*as_completed(done, limit).begin() == done[0]));
        BOOST_TEST(*busy.map({.timeout = limit}, identity, inputs).begin() == 7);
        BOOST_TEST((done[0].exception(limit) == nullptr));
        BOOST_TEST(done[0].wait_for(limit));
    }
}

BOOST_AUTO_TEST_CASE(any_point_in_time_can_be_waited_for) { // CF-TMO-01
    promise<int> p, q;
    const auto pending = p.get_future(), other = q.get_future();
    const auto try_clock = [&]<class Clock>(Clock) {
        const auto try_point = [&](auto before, auto after) {
            BOOST_TEST(!pending.wait_until(before));
            promise<int> r;
            const auto later = r.get_future();
            const std::jthread completer([&] { r.set_value(1); });
            BOOST_TEST(later.wait_until(after));
        };
        using point = typename Clock::time_point;
        using hours = std::chrono::time_point<Clock, std::chrono::hours>;
        using fraction = std::chrono::time_point<Clock, std::chrono::duration<double>>;
        using whole = std::chrono::time_point<Clock, std::chrono::seconds>;
        try_point(point::min(), point::max());
        try_point(hours::min(), hours::max());
        try_point(whole::min(), whole::max());
        try_point(fraction::min(), fraction::max());
        try_point(Clock::now() - 1h, Clock::now() + 24h);
        const auto infinite =
            std::chrono::duration<double>(std::numeric_limits<double>::infinity());
        try_point(fraction(-infinite), fraction(infinite));
    };
    try_clock(std::chrono::steady_clock());
    try_clock(std::chrono::system_clock());
}
