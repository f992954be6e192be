// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
// Offloaded calls in Asio's parallel groups and awaitable operators, and all that can run them.
#include <ferry/ferry.hpp>

#include "helpers/gate.hpp"
#include "helpers/manual_executor.hpp"
#include "helpers/run_on.hpp"

#define BOOST_TEST_MODULE parallel_group
#include <boost/test/unit_test.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/experimental/parallel_group.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/multiple_exceptions.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/system_executor.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/mpl/list.hpp>

#include <atomic>
#include <memory>
#include <thread>

namespace asio = boost::asio;
using namespace ferry;
using namespace std::chrono_literals;
using namespace asio::experimental::awaitable_operators;
using asio::experimental::make_parallel_group;

namespace {

bool aborted(const std::exception_ptr& e) {
    try {
        if (e)
            std::rethrow_exception(e);
        return false;
    } catch (const cancelled_error&) {
        return true;
    }
}

asio::awaitable<void> expire_in(std::chrono::steady_clock::duration d) {
    asio::steady_timer timer(co_await asio::this_coro::executor, d);
    co_await timer.async_wait(asio::use_awaitable);
}

} // namespace

// ---- parallel_group -----------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(a_group_waits_for_all_calls) { // CF-ASY-34
    asio::io_context io;
    gate second_done;
    thread_pool pool(2);
    const auto slow = [&] {
        second_done.pass();
        return 1;
    };
    const auto quick = [] { return std::string("two"); };
    bool called = false;
    make_parallel_group(async_invoke(pool, slow, asio::deferred),
                        async_invoke(pool, quick, asio::deferred))
        .async_wait(asio::experimental::wait_for_all(),
                    asio::bind_executor(io, [&](auto order, std::exception_ptr e1, int one,
                                                std::exception_ptr e2, std::string two) {
                        called = order.size() == 2 && !e1 && !e2;
                        BOOST_TEST(one == 1);
                        BOOST_TEST(two == "two");
                    }));
    second_done.open();
    io.run();
    BOOST_TEST(called);
}

BOOST_AUTO_TEST_CASE(the_first_call_of_a_group_ends_the_others) { // CF-ASY-04 CF-ASY-05
    asio::io_context io;
    gate started, go;
    thread_pool pool(1);
    bool ran = false, called = false;
    const auto running = [&] {
        started.open();
        go.pass();
    };
    const auto queued = [&] { ran = true; };
    promise<void> first;
    const auto f = first.get_future();
    auto on_loop = asio::bind_executor(io, asio::deferred); // a group gives no executor
    make_parallel_group(async_invoke(pool, running, on_loop), async_invoke(pool, queued, on_loop),
                        f.async_wait(on_loop))
        .async_wait(asio::experimental::wait_for_one(),
                    asio::bind_executor(
                        io, [&](auto order, std::exception_ptr e1, std::exception_ptr e2, auto ec) {
                            called = order[0] == 2 && !ec;
                            BOOST_TEST(aborted(e1));
                            BOOST_TEST(aborted(e2));
                        }));
    started.pass();
    first.set_value();
    io.run();
    go.open();
    pool.shutdown();
    BOOST_TEST(called);
    BOOST_TEST(!ran);
}

// ---- Awaitable operators ------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(both_calls_are_waited_for) {
    asio::io_context io;
    gate met;
    thread_pool pool(2);
    const auto first = [&] {
        met.pass();
        return 1;
    };
    const auto second = [&] {
        met.open();
        return std::make_unique<int>(2);
    };
    int sum = 0;
    run_on(io, [&]() -> asio::awaitable<void> {
        auto [a, b] = co_await (to_thread(first) && run_in_executor(pool, second));
        sum = a + *b;
    });
    BOOST_TEST(sum == 3);
}

BOOST_AUTO_TEST_CASE(one_that_throws_cancels_the_other) {
    asio::io_context io;
    gate started, go;
    thread_pool pool(1);
    const auto blocks = [&] {
        started.open();
        go.pass();
    };
    const auto fails = [&] {
        started.pass();
        throw std::out_of_range("x");
    };
    BOOST_CHECK_THROW(run_on(io,
                             [&]() -> asio::awaitable<void> {
                                 co_await (run_in_executor(pool, blocks) && to_thread(fails));
                             }),
                      asio::multiple_exceptions); // the other's cancellation is one too
    go.open();
}

BOOST_AUTO_TEST_CASE(a_timer_ends_the_waiting_for_a_running_call) { // CF-ASY-04
    const auto held = std::make_shared<int>(0);
    gate go;
    promise<void> began;
    const auto running = began.get_future();
    thread_pool pool(1);
    {
        asio::io_context io;
        std::size_t winner = 9;
        const auto a_while = [&]() -> asio::awaitable<void> {
            co_await running.async_wait(asio::use_awaitable);
            co_await expire_in(1ms);
        };
        run_on(io, [&]() -> asio::awaitable<void> {
            const auto call = [&, held] {
                began.set_value();
                go.pass();
            };
            const auto either = co_await (run_in_executor(pool, call) || a_while());
            winner = either.index();
        });
        BOOST_TEST(winner == 1u);
        BOOST_TEST(io.stopped());
    }
    BOOST_TEST(held.use_count() == 2); // the call's own
    go.open();
    pool.shutdown();
    BOOST_TEST(held.use_count() == 1);
}

BOOST_AUTO_TEST_CASE(a_call_ends_the_waiting_for_a_timer) {
    asio::io_context io;
    std::size_t winner = 9;
    run_on(io, [&]() -> asio::awaitable<void> {
        const auto either = co_await (to_thread([] { return 7; }) || expire_in(24h));
        winner = either.index();
        BOOST_TEST(std::get<0>(either) == 7);
    });
    BOOST_TEST(winner == 0u);
}

BOOST_AUTO_TEST_CASE(the_loser_of_two_calls_never_runs_when_it_is_queued) { // CF-ASY-05
    for (int round = 0; round < 200; ++round) {
        asio::io_context io;
        gate go;
        thread_pool pool(2), one(1);
        auto busy = one.submit([&] { go.pass(); });
        const auto held = std::make_shared<int>(0);
        bool ran = false;
        const auto quick = [held] {};
        const auto queued = [&ran, held] { ran = true; };
        run_on(io, [&]() -> asio::awaitable<void> {
            const auto either =
                co_await (run_in_executor(one, queued) || run_in_executor(pool, quick));
            BOOST_TEST(either.index() == 1u);
        });
        BOOST_REQUIRE(held.use_count() == 3);
        go.open();
        one.shutdown();
        BOOST_REQUIRE(!ran);
    }
}

BOOST_AUTO_TEST_CASE(two_calls_race_and_both_ways_are_fine) {
    asio::io_context io(1);
    thread_pool pool(2);
    std::atomic<int> runs{0};
    const auto held = std::make_shared<int>(0);
    const auto call = [&runs, held] { ++runs; };
    int ends = 0;
    run_on(io, [&]() -> asio::awaitable<void> {
        for (int round = 0; round < 500; ++round) {
            co_await (run_in_executor(pool, call) || to_thread(call));
            ++ends;
        }
    });
    pool.shutdown();
    default_executor(io).shutdown();
    BOOST_TEST(ends == 500);
    BOOST_TEST(runs >= 500);
    BOOST_TEST(runs <= 1000);
    BOOST_TEST(held.use_count() == 2);
}

// ---- Everything that can run a call -------------------------------------------------------------

namespace {

/// Something with an execution context of its own, and what is passed for it.
struct the_pool {
    auto& where() { return pool; }
    thread_pool pool{2};
};
struct its_executor : the_pool {
    auto where() { return pool.get_executor(); }
};
struct its_strand : the_pool {
    auto where() { return asio::make_strand(pool); }
};
struct erased_executor : the_pool {
    asio::any_io_executor where() { return pool.get_executor(); }
};
struct erased_strand : the_pool {
    asio::any_io_executor where() { return asio::make_strand(where_); }
    asio::any_io_executor where_ = pool.get_executor();
};
struct asio_pool {
    ~asio_pool() { pool.join(); }
    auto& where() { return pool; }
    asio::thread_pool pool{2};
};
struct asio_executor : asio_pool {
    auto where() { return pool.get_executor(); }
};
struct another_loop {
    another_loop() : thread([this] { io.run(); }) {}
    ~another_loop() {
        guard.reset();
        thread.join();
    }
    auto& where() { return io; }
    asio::io_context io;
    asio::executor_work_guard<asio::io_context::executor_type> guard{io.get_executor()};
    std::thread thread;
};
struct system {
    auto where() { return asio::system_executor(); }
};
using places = boost::mpl::list<the_pool, its_executor, its_strand, erased_executor, erased_strand,
                                asio_pool, asio_executor, another_loop, system>;

} // namespace

BOOST_AUTO_TEST_CASE_TEMPLATE(a_call_runs_there_and_comes_back, Place, places) { // CF-ASY-01
    Place place;
    asio::io_context io;
    run_on(io, [&]() -> asio::awaitable<void> {
        const auto here = std::this_thread::get_id();
        const auto there =
            co_await run_in_executor(place.where(), [] { return std::this_thread::get_id(); });
        BOOST_TEST((there != here));
        BOOST_TEST((std::this_thread::get_id() == here));
        bool caught = false;
        const auto fails = [](int n) { throw std::out_of_range(std::to_string(n)); };
        try {
            co_await run_in_executor(place.where(), fails, 5);
        } catch (const std::out_of_range& e) {
            caught = e.what() == std::string("5");
        }
        BOOST_TEST(caught);
        BOOST_TEST((std::this_thread::get_id() == here));
    });
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_handler_without_an_executor_runs_there, Place, places) {
    Place place;
    gate done;
    std::thread::id ran, called;
    async_invoke(
        place.where(), [&] { ran = std::this_thread::get_id(); },
        [&](std::exception_ptr) {
            called = std::this_thread::get_id();
            done.open();
        });
    done.pass();
    BOOST_TEST((ran != std::this_thread::get_id()));
    BOOST_TEST((called != std::this_thread::get_id()));
}

BOOST_AUTO_TEST_CASE(a_call_on_ones_own_loop_runs_when_its_turn_comes) {
    asio::io_context io;
    run_on(io, [&]() -> asio::awaitable<void> {
        const auto here = std::this_thread::get_id();
        const auto there = co_await run_in_executor(io, [] { return std::this_thread::get_id(); });
        BOOST_TEST((there == here));
    });
}

BOOST_AUTO_TEST_CASE(a_call_waits_for_a_manual_executor) {
    manual_context there;
    asio::io_context io;
    int n = 0;
    const auto body = [&]() -> asio::awaitable<void> {
        n = co_await run_in_executor(there, [] { return 7; });
    };
    asio::co_spawn(io, body, asio::detached);
    io.poll();
    BOOST_TEST(!io.stopped());
    BOOST_TEST(n == 0);
    there.run_one();
    io.run();
    BOOST_TEST(n == 7);
}
