// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include <ferry/ferry.hpp>

#define BOOST_TEST_MODULE bridge
#include <boost/test/unit_test.hpp>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/strand.hpp>

#include <latch>
#include <memory>
#include <thread>

namespace asio = boost::asio;
using namespace ferry;

namespace {

struct needs_argument {
    explicit needs_argument(int v) : value(v) {}
    needs_argument(needs_argument&&) = default;
    int value;
};

/// Runs the coroutine on a context of its own; rethrows what it throws.
template <class F>
void run(F body) {
    asio::io_context io;
    std::exception_ptr error;
    asio::co_spawn(io, std::move(body), [&](std::exception_ptr e) { error = e; });
    io.run();
    if (error)
        std::rethrow_exception(error);
}

} // namespace

BOOST_AUTO_TEST_CASE(a_call_runs_elsewhere_and_its_result_comes_back) { // CF-ASY-01 -17 -18
    run([]() -> asio::awaitable<void> {
        const auto here = std::this_thread::get_id();
        const auto there = co_await to_thread([] { return std::this_thread::get_id(); });
        BOOST_TEST((there != here));
        BOOST_TEST((std::this_thread::get_id() == here));
        BOOST_TEST(co_await to_thread([](int a, int b) { return a + b; }, 1, 2) == 3);
        BOOST_TEST((co_await to_thread([] { return needs_argument(7); })).value == 7);
        const auto moved = co_await to_thread([] { return std::make_unique<int>(9); });
        BOOST_TEST(*moved == 9);
        bool caught = false;
        try {
            co_await to_thread([] { throw std::out_of_range("x"); });
        } catch (const std::out_of_range&) {
            caught = true;
        }
        BOOST_TEST(caught);
        BOOST_TEST((std::this_thread::get_id() == here));
    });
}

BOOST_AUTO_TEST_CASE(it_resumes_on_the_strand_of_the_coroutine) {
    asio::io_context io;
    thread_pool pool(2);
    auto strand = asio::make_strand(io);
    int on_strand = 0;
    for (int i = 0; i < 10; ++i)
        asio::co_spawn(
            strand,
            [&]() -> asio::awaitable<void> {
                co_await run_in_executor(pool, [] {});
                on_strand += strand.running_in_this_thread() ? 1 : 0;
            },
            asio::detached);
    std::thread other([&] { io.run(); });
    io.run();
    other.join();
    BOOST_TEST(on_strand == 10);
}

BOOST_AUTO_TEST_CASE(a_cancelled_wait_for_a_running_call_ends_at_once) { // CF-ASY-04
    asio::io_context io;
    thread_pool pool(1);
    std::latch started(1), go(1);
    asio::cancellation_signal signal;
    bool aborted = false;
    asio::co_spawn(
        io,
        [&]() -> asio::awaitable<void> {
            co_await run_in_executor(pool, [&] {
                started.count_down();
                go.wait();
            });
        },
        asio::bind_cancellation_slot(signal.slot(), [&](std::exception_ptr e) {
            try {
                std::rethrow_exception(e);
            } catch (const cancelled_error&) {
                aborted = true;
            }
        }));
    asio::post(io, [&] {
        started.wait();
        signal.emit(asio::cancellation_type::terminal);
    });
    io.run();
    BOOST_TEST(aborted);
    go.count_down();
}

BOOST_AUTO_TEST_CASE(a_cancelled_wait_for_a_queued_call_means_it_never_runs) { // CF-ASY-05
    asio::io_context io;
    thread_pool pool(1);
    std::latch go(1);
    auto blocker = pool.submit([&] { go.wait(); });
    asio::cancellation_signal signal;
    bool ran = false, aborted = false;
    asio::co_spawn(
        io, [&]() -> asio::awaitable<void> { co_await run_in_executor(pool, [&] { ran = true; }); },
        asio::bind_cancellation_slot(signal.slot(),
                                     [&](std::exception_ptr e) { aborted = e != nullptr; }));
    asio::post(io, [&] { signal.emit(asio::cancellation_type::terminal); });
    io.run();
    go.count_down();
    pool.shutdown();
    BOOST_TEST(aborted);
    BOOST_TEST(!ran);
}

BOOST_AUTO_TEST_CASE(a_late_result_into_a_destroyed_context_does_nothing) { // CF-ASY-27
    for (int round = 0; round < 200; ++round) {
        thread_pool pool(2);
        auto held = std::make_shared<int>(0);
        {
            asio::io_context io;
            for (int i = 0; i < 4; ++i)
                asio::co_spawn(
                    io,
                    [&pool, held]() -> asio::awaitable<void> {
                        for (;;)
                            co_await run_in_executor(pool, [] {});
                    },
                    asio::detached);
            for (int i = 0; i < round % 20; ++i)
                io.run_one();
        }
        BOOST_REQUIRE(held.use_count() == 1);
    }
}

BOOST_AUTO_TEST_CASE(a_pool_that_was_shut_down_says_so) { // CF-ASY-40
    thread_pool pool(1);
    pool.shutdown();
    BOOST_CHECK_THROW(run([&]() -> asio::awaitable<void> { co_await run_in_executor(pool, [] {}); }),
                      shutdown_error);
}

BOOST_AUTO_TEST_CASE(the_default_executor_can_be_chosen) { // CF-ASY-12
    thread_pool pool(1);
    asio::io_context io;
    set_default_executor(io, pool);
    BOOST_TEST(&default_executor(io) == &pool);
}
