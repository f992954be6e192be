// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include <ferry/task_group.hpp>

#include <ferry/run.hpp>
#include <ferry/to_thread.hpp>

#include "helpers/gate.hpp"

#define BOOST_TEST_MODULE task_group
#include <boost/asio/detached.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/test/unit_test.hpp>

#include <optional>
#include <stop_token>
#include <thread>

#include <boost/asio/detached.hpp>
#include <boost/asio/steady_timer.hpp>

using namespace ferry;
using namespace std::chrono_literals;
namespace asio = boost::asio;
using asio::awaitable;

namespace {

awaitable<void> endless(int& ended) {
    struct count {
        int& n;
        ~count() { ++n; }
    } const at_end{ended};
    asio::steady_timer timer(co_await asio::this_coro::executor, 1h);
    co_await timer.async_wait(asio::use_awaitable);
}
awaitable<void> failing(const char* what) {
    throw std::runtime_error(what);
    co_return;
}

} // namespace

BOOST_AUTO_TEST_CASE(the_end_waits_for_all_members_also_late_ones) { // CF-TG-01
    int done = 0;
    const int r = run(with_task_group([&](task_group& g) -> awaitable<int> {
        g.spawn([](task_group group, int& n) -> awaitable<void> {
            co_await to_thread([] {});
            ++n;
            group.spawn([](int& m) -> awaitable<void> {
                co_await to_thread([] {});
                ++m;
            }(n));
        }(g, done));
        co_return 5;
    }));
    BOOST_TEST(r == 5);
    BOOST_TEST(done == 2);
}

BOOST_AUTO_TEST_CASE(a_member_cancelled_by_itself_fails_nothing) { // CF-TG-02
    int ended = 0;
    run(with_task_group([&](task_group& g) -> awaitable<void> {
        auto f = g.spawn(endless(ended));
        co_await to_thread([] {});
        BOOST_TEST(f.cancel());
        BOOST_TEST(f.cancelled());
    }));
    BOOST_TEST(ended == 1);
}

BOOST_AUTO_TEST_CASE(a_failure_cancels_the_others_and_all_failures_are_told) { // CF-TG-03 CF-TG-04
    int ended = 0;
    try {
        run(with_task_group([&](task_group& g) -> awaitable<void> {
            g.spawn(endless(ended));
            g.spawn(endless(ended));
            g.spawn(failing("one"));
            co_await endless(ended);
        }));
        BOOST_FAIL("it must throw");
    } catch (const exception_group& e) {
        BOOST_TEST(e.exceptions().size() == 1u);
        BOOST_TEST(std::string(e.what()).find("one") != std::string::npos);
    }
    BOOST_TEST(ended == 3);
    BOOST_CHECK_THROW(run(with_task_group([&](task_group& g) -> awaitable<void> {
                          g.spawn(endless(ended));
                          throw std::runtime_error("body");
                          co_return;
                      })),
                      exception_group);
    BOOST_TEST(ended == 4);
}

BOOST_AUTO_TEST_CASE(a_cancellation_from_outside_is_not_swallowed) { // CF-TG-05
    asio::io_context io;
    asio::cancellation_signal signal;
    std::exception_ptr error;
    int ended = 0;
    asio::co_spawn(
        io, with_task_group([&](task_group& g) -> awaitable<void> {
            g.spawn(endless(ended));
            co_await endless(ended);
        }),
        asio::bind_cancellation_slot(signal.slot(), [&](std::exception_ptr e) { error = e; }));
    asio::steady_timer later(io, 2ms);
    later.async_wait([&](auto) { signal.emit(asio::cancellation_type::terminal); });
    io.run();
    BOOST_TEST(ended == 2);
    BOOST_CHECK_THROW(std::rethrow_exception(error), cancelled_error);
}

BOOST_AUTO_TEST_CASE(nothing_is_spawned_into_a_failing_or_finished_group) { // CF-TG-11
    std::optional<task_group> kept;
    bool refused = false;
    auto held = std::make_shared<int>(0);
    try {
        run(with_task_group([&](task_group& g) -> awaitable<void> {
            kept = g;
            g.spawn(failing("x"));
            try {
                int n = 0;
                co_await endless(n);
            } catch (...) {
            }
            try {
                g.spawn([](std::shared_ptr<int>) -> awaitable<void> { co_return; }(held));
            } catch (const invalid_state_error&) {
                refused = true;
            }
        }));
    } catch (const exception_group&) {
    }
    BOOST_TEST(refused);
    BOOST_TEST(held.use_count() == 1);
    BOOST_CHECK_THROW(kept->spawn(failing("z")), invalid_state_error);
    kept.reset();
}

BOOST_AUTO_TEST_CASE(running_offloaded_calls_are_waited_for) {
    gate go, started;
    bool finished = false;
    thread_pool pool(1);
    std::jthread opener([&] {
        started.pass();
        go.open();
    });
    BOOST_CHECK_THROW(run(with_task_group([&](task_group& g) -> awaitable<void> {
                          g.spawn(run_in_executor(pool, [&] {
                              started.open();
                              go.pass();
                              finished = true;
                          }));
                          co_await to_thread([&] { started.pass(); });
                          throw std::runtime_error("body");
                      })),
                      exception_group);
    BOOST_TEST(finished);
}

BOOST_AUTO_TEST_CASE(a_context_may_go_while_a_group_waits_for_a_call) { // CF-TG-15 CF-ASY-27
    gate go, started;
    int ended = 0;
    thread_pool pool(1);
    std::optional<asio::io_context> io(std::in_place);
    const auto body = [&](task_group& g) -> awaitable<void> {
        const auto call = [&] {
            started.open();
            go.pass();
        };
        g.spawn(run_in_executor(pool, call));
        g.spawn(endless(ended));
        const auto until_started = [&] { started.pass(); };
        co_await to_thread(until_started);
        throw std::runtime_error("body");
    };
    asio::co_spawn(*io, with_task_group(body), asio::detached);
    while (ended == 0) // then the call was given up too
        io->run_one();
    io.reset();
    go.open();
    pool.shutdown();
    BOOST_TEST(ended == 1);
}

BOOST_AUTO_TEST_CASE(finished_members_are_released_at_once) {
    auto held = std::make_shared<int>(0);
    run(with_task_group([&](task_group& g) -> awaitable<void> {
        for (int i = 0; i < 100; ++i) {
            g.spawn([](std::shared_ptr<int>) -> awaitable<void> { co_return; }(held));
            co_await to_thread([] {});
            BOOST_REQUIRE(held.use_count() <= 3);
        }
    }));
}

BOOST_AUTO_TEST_CASE(a_group_that_is_destroyed_leaves_no_member_behind) { // CF-TG-15
    int ended = 0;
    future<void> member;
    {
        asio::io_context io;
        asio::co_spawn(io, with_task_group([&](task_group& g) -> awaitable<void> {
                           member = g.spawn(endless(ended));
                           co_await endless(ended);
                       }),
                       asio::detached);
        io.poll();
        BOOST_TEST(ended == 0);
    }
    BOOST_TEST(ended == 2);
    BOOST_CHECK_THROW(member.result(0s), broken_promise);
}
