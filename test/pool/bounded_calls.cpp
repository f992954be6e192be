// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
// Everything that comes to a pool whose queue is bounded: coroutines, strands, maps.
#include <ferry/ferry.hpp>

#include "helpers/busy_pool.hpp"

#define BOOST_TEST_MODULE bounded_calls
#include <boost/test/unit_test.hpp>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/strand.hpp>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <optional>
#include <thread>
#include <vector>

using namespace ferry;
using namespace std::chrono_literals;
namespace asio = boost::asio;

BOOST_AUTO_TEST_CASE(a_coroutine_stands_in_line_and_blocks_nothing) {
    busy_pool b({.max_queue = 1});
    auto queued = b.pool.submit([] {});
    asio::io_context io;
    std::vector<int> order;
    for (int i = 0; i != 3; ++i)
        asio::co_spawn(
            io,
            [&b, &order, i]() -> asio::awaitable<void> {
                const auto note = [&order, i] { order.push_back(i); };
                co_await run_in_executor(b.pool, note);
            },
            asio::detached);
    io.poll(); // would not return
    BOOST_TEST(b.pool.stats().queued == 1u);
    BOOST_TEST(order.empty());
    b.go.open();
    io.run();
    BOOST_TEST(order == (std::vector{0, 1, 2}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_rejection_reaches_every_form) {
    busy_pool b({.max_queue = 1, .when_full = when_full::reject});
    auto queued = b.pool.submit([] {});
    const auto refused = [](auto&& call) {
        try {
            call();
            BOOST_ERROR("it was accepted");
        } catch (const queue_full_error& e) {
            BOOST_TEST(e.queued() == 1u);
            BOOST_TEST((e.code() == condition::rejected));
            BOOST_TEST((e.retry_after() == 0ns)); // nothing has finished yet
        }
    };
    refused([&] { static_cast<void>(b.pool.submit([] {})); });
    refused([&] { run(run_in_executor(b.pool, [] {})); });
    refused([&] { async_invoke(b.pool, [] {}, use_future).result(); });
    const auto strand = asio::make_strand(b.pool.get_executor());
    refused([&] { static_cast<void>(submit(strand, [] {})); });
    refused([&] { run(run_in_executor(strand, [] {})); });
    const auto through_default = [&]() -> asio::awaitable<void> {
        set_default_executor(
            asio::query(co_await asio::this_coro::executor, asio::execution::context), b.pool);
        co_await to_thread([] {});
    };
    refused([&] { run(through_default()); });
    asio::post(b.pool, [] {}); // functions have no bound
    b.go.open();
    queued.result();
}

BOOST_AUTO_TEST_CASE(map_waits_even_if_the_pool_rejects) {
    busy_pool b({.max_queue = 1, .max_wait = 0s, .when_full = when_full::reject});
    std::thread opener([&] {
        until([&] { return b.pool.stats().queued == 1; });
        b.go.open();
    });
    const std::vector<int> input{1, 2, 3, 4, 5};
    int sum = 0;
    for (const int n : b.pool.map([](int x) { return 2 * x; }, input))
        sum += n;
    opener.join();
    BOOST_TEST(sum == 30);
}

BOOST_AUTO_TEST_CASE(a_cancelled_coroutine_leaves_the_line) {
    busy_pool b({.max_queue = 1});
    auto queued = b.pool.submit([] {});
    asio::io_context io;
    asio::cancellation_signal stop;
    bool cancelled = false, ran = false;
    asio::co_spawn(
        io,
        [&]() -> asio::awaitable<void> {
            const auto never = [&ran] { ran = true; };
            try {
                co_await run_in_executor(b.pool, never);
            } catch (const cancelled_error&) {
                cancelled = true;
            }
        },
        asio::bind_cancellation_slot(stop.slot(), asio::detached));
    bool second = false;
    asio::co_spawn(
        io,
        [&]() -> asio::awaitable<void> {
            const auto note = [&second] { second = true; };
            co_await run_in_executor(b.pool, note);
        },
        asio::detached);
    io.poll();
    stop.emit(asio::cancellation_type::terminal);
    io.poll();
    BOOST_TEST(cancelled);
    BOOST_TEST(!second);
    BOOST_TEST(b.pool.stats().cancelled == 1u);
    b.go.open();
    io.run();
    BOOST_TEST(second);
    BOOST_TEST(!ran);
}

BOOST_AUTO_TEST_CASE(threads_and_coroutines_share_one_line) {
    busy_pool b({.max_queue = 1});
    auto queued = b.pool.submit([] {});
    std::vector<int> order;
    auto first = async_invoke(b.pool, [&] { order.push_back(1); }, use_future);
    std::atomic<bool> about_to{false};
    std::optional<future<void>> second;
    std::thread other([&] {
        about_to = true;
        second = b.pool.submit([&] { order.push_back(2); });
    });
    until([&] { return about_to.load(); });
    b.go.open();
    other.join();
    first.result();
    second->result();
    BOOST_TEST(order == (std::vector{1, 2}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(the_calls_of_a_strand_count) {
    busy_pool b({.max_queue = 2, .when_full = when_full::reject});
    const auto strand = asio::make_strand(b.pool.get_executor());
    auto first = submit(strand, [] {});
    auto second = submit(strand, [] {});
    BOOST_CHECK_THROW(submit(strand, [] {}), queue_full_error);
    BOOST_CHECK_THROW(b.pool.submit([] {}), queue_full_error);
    BOOST_TEST(second.cancel());
    auto third = b.pool.submit([] { return 3; });
    b.go.open();
    first.result();
    BOOST_TEST(third.result() == 3);
}

BOOST_AUTO_TEST_CASE(the_calls_of_a_strand_keep_their_order_in_the_line) {
    busy_pool b({.max_queue = 1});
    const auto strand = asio::make_strand(b.pool.get_executor());
    std::vector<int> order;
    std::vector<future<void>> calls;
    for (int i = 0; i != 20; ++i)
        calls.push_back(async_invoke(strand, [&order, i] { order.push_back(i); }, use_future));
    b.go.open();
    for (auto& f : calls)
        f.result();
    BOOST_TEST(order.size() == 20u);
    BOOST_TEST(std::is_sorted(order.begin(), order.end()));
}

BOOST_AUTO_TEST_CASE(a_hundred_thousand_coroutines_stand_in_line) {
    busy_pool b({.max_queue = 1});
    constexpr int many = 100'000;
    std::vector<future<void>> calls;
    calls.reserve(many);
    std::atomic<int> ran{0};
    for (int i = 0; i != many; ++i)
        calls.push_back(async_invoke(b.pool, [&ran] { ++ran; }, use_future));
    BOOST_TEST(b.pool.stats().queued == 1u);
    int cancelled = 0;
    for (int i = 1; i < many; i += 2)
        cancelled += calls[static_cast<std::size_t>(i)].cancel() ? 1 : 0;
    BOOST_TEST(cancelled == many / 2);
    // A future is cancelled at once, its operation by a function that is posted.
    until([&] { return b.pool.stats().cancelled == std::uint64_t{many / 2}; });
    b.go.open();
    for (int i = 0; i < many; i += 2)
        calls[static_cast<std::size_t>(i)].result();
    BOOST_TEST(ran == many / 2);
}
