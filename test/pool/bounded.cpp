// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
// A pool whose queue is bounded, and everything that comes to it.
#include <ferry/ferry.hpp>

#include "helpers/gate.hpp"

#define BOOST_TEST_MODULE bounded
#include <boost/test/unit_test.hpp>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/detached.hpp>

#include <atomic>
#include <limits>
#include <optional>
#include <string>
#include <thread>
#include <vector>

using namespace ferry;
using namespace std::chrono_literals;
namespace asio = boost::asio;

namespace {

template <class Condition>
void until(Condition c) {
    while (!c())
        std::this_thread::yield();
}

// One worker that stays in a task until it is released.
struct busy_pool {
    explicit busy_pool(thread_pool_options o) : pool((o.max_workers = 1, std::move(o))) {
        do { // it may expire itself before a worker is there
            blocker = pool.submit([this] { go.pass(); });
            until([this] { return blocker.running() || blocker.done(); });
        } while (!blocker.running());
    }
    ~busy_pool() { go.open(); }

    thread_pool pool;
    gate go;
    future<void> blocker;
};

} // namespace

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

BOOST_AUTO_TEST_CASE(cancelling_what_is_queued_lets_the_next_one_in) {
    busy_pool b({.max_queue = 1});
    auto queued = b.pool.submit([] {});
    auto waits = async_invoke(b.pool, [] { return 7; }, use_future);
    BOOST_TEST(b.pool.stats().queued == 1u);
    BOOST_TEST(queued.cancel());
    BOOST_TEST(b.pool.stats().queued == 1u); // it has taken the place
    auto late = async_invoke(b.pool, [] { return 8; }, use_future);
    b.go.open();
    BOOST_TEST(waits.result() == 7);
    BOOST_TEST(late.result() == 8);
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

BOOST_AUTO_TEST_CASE(bytes_are_bounded_too) {
    busy_pool b({.max_queue_bytes = 100, .when_full = when_full::reject});
    auto first = b.pool.submit({.bytes = 60}, [] {});
    BOOST_CHECK_THROW(b.pool.submit({.bytes = 60}, [] {}), queue_full_error);
    auto second = b.pool.submit({.bytes = 40}, [] {});
    auto none = b.pool.submit([] {});
    BOOST_TEST(first.cancel());
    auto third = b.pool.submit({.bytes = 60}, [] {});
    try {
        b.pool.submit({.bytes = 101}, [] {});
        BOOST_ERROR("it can never fit");
    } catch (const queue_full_error& e) {
        BOOST_TEST((e.retry_after() == std::chrono::nanoseconds::max()));
    }
    b.go.open();
    second.result();
    third.result();
    none.result();
    auto later = b.pool.submit({.bytes = 100}, [] {}); // all is free again
    later.result();
}

BOOST_AUTO_TEST_CASE(bytes_without_a_bound_do_not_count) {
    constexpr auto most = std::numeric_limits<std::size_t>::max();
    busy_pool b({.max_queue = 3});
    auto first = b.pool.submit({.bytes = most}, [] {});
    auto second = b.pool.submit({.bytes = most}, [] {});
    b.go.open();
    first.result();
    second.result();
}

BOOST_AUTO_TEST_CASE(what_is_too_large_is_refused_even_if_the_pool_blocks) {
    thread_pool pool({.max_workers = 1, .max_queue_bytes = 10});
    BOOST_CHECK_THROW(pool.submit({.bytes = 11}, [] {}), queue_full_error);
    const task_options large{.bytes = 11};
    BOOST_CHECK_THROW(run(run_in_executor(pool, large, [] {})), queue_full_error);
}

BOOST_AUTO_TEST_CASE(a_large_task_at_the_head_of_the_line_is_not_overtaken) {
    busy_pool b({.max_queue_bytes = 100});
    auto first = b.pool.submit({.bytes = 60}, [] {});
    std::vector<int> order;
    auto large =
        async_invoke(b.pool, task_options{.bytes = 90}, [&] { order.push_back(1); }, use_future);
    auto small =
        async_invoke(b.pool, task_options{.bytes = 1}, [&] { order.push_back(2); }, use_future);
    BOOST_TEST(b.pool.stats().queued == 1u);
    b.go.open();
    large.result();
    small.result();
    BOOST_TEST(order == (std::vector{1, 2}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(max_wait_expires_in_the_queue_and_in_the_line) {
    busy_pool b({.max_queue = 1, .max_wait = 20ms});
    auto queued = b.pool.submit([] {});
    auto in_line = async_invoke(b.pool, [] {}, use_future);
    auto blocked = b.pool.submit([] {}); // until it expires
    BOOST_CHECK_THROW(queued.result(), timeout_error);
    BOOST_CHECK_THROW(in_line.result(), timeout_error);
    BOOST_CHECK_THROW(blocked.result(), timeout_error);
    BOOST_TEST(b.pool.stats().queued == 0u);
}

BOOST_AUTO_TEST_CASE(without_any_wait_only_what_can_start_is_accepted) {
    thread_pool pool({.max_workers = 2, .max_wait = 0s});
    gate go;
    auto a = pool.submit([&] { go.pass(); });
    auto b = pool.submit([&] { go.pass(); });
    BOOST_CHECK_THROW(pool.submit([] {}), queue_full_error);
    BOOST_CHECK_THROW(run(run_in_executor(pool, [] {})), queue_full_error);
    go.open();
    a.result();
    b.result();
    // A worker that has just ended a task is free.
    for (int i = 0; i != 100; ++i)
        pool.submit([] {}).result();
}

BOOST_AUTO_TEST_CASE(the_estimate_follows_the_run_times) {
    thread_pool pool({.max_workers = 1, .max_wait = 1h});
    const auto ten_ms = [] {
        const auto end = std::chrono::steady_clock::now() + 10ms;
        while (std::chrono::steady_clock::now() < end)
            std::this_thread::yield();
    };
    for (int i = 0; i != 3; ++i)
        pool.submit(ten_ms).result();
    gate go, started;
    auto busy = pool.submit([&] {
        started.open();
        go.pass();
    });
    started.pass();
    std::vector<future<void>> queued;
    for (int i = 0; i != 10; ++i)
        queued.push_back(pool.submit([] {}));
    // Ten of them at 10 ms or more each.
    const auto soon = std::chrono::steady_clock::now() + 50ms;
    try {
        pool.submit({.start_by = soon}, [] {});
        BOOST_ERROR("it would wait too long");
    } catch (const queue_full_error& e) {
        BOOST_TEST((e.retry_after() >= 100ms));
        BOOST_TEST(e.queued() == 10u);
    }
    auto urgent =
        pool.submit({.start_by = std::chrono::steady_clock::now() + 1h, .priority = 1}, [] {});
    go.open();
    urgent.result();
}

BOOST_AUTO_TEST_CASE(a_pools_own_worker_never_waits_for_a_place) {
    thread_pool pool(
        {.max_workers = 1, .max_queue = 1, .max_wait = 0s, .when_full = when_full::reject});
    auto outer = pool.submit([&] {
        std::vector<future<int>> inner;
        for (int i = 0; i != 5; ++i)
            inner.push_back(pool.submit({.bytes = 5}, [i] { return i; }));
        int sum = 0;
        for (auto& f : inner)
            sum += f.result();
        return sum;
    });
    BOOST_TEST(outer.result() == 10);
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

BOOST_AUTO_TEST_CASE(shutdown_turns_the_line_away) {
    std::optional<busy_pool> b;
    b.emplace(thread_pool_options{.max_queue = 1});
    auto queued = b->pool.submit([] { return 1; });
    auto in_line = async_invoke(b->pool, [] { return 2; }, use_future);
    const auto strand = asio::make_strand(b->pool.get_executor());
    auto on_strand = async_invoke(strand, [] { return 3; }, use_future);
    std::exception_ptr why;
    std::atomic<bool> about_to{false};
    std::thread blocked([&] {
        about_to = true;
        try {
            static_cast<void>(b->pool.submit([] {}));
        } catch (...) {
            why = std::current_exception();
        }
    });
    until([&] { return about_to.load(); });
    b->pool.shutdown({.wait = false});
    blocked.join();
    BOOST_CHECK_THROW(std::rethrow_exception(why), shutdown_error);
    BOOST_CHECK_THROW(in_line.result(), shutdown_error);
    BOOST_CHECK_THROW(on_strand.result(), shutdown_error);
    b->go.open();
    BOOST_TEST(queued.result() == 1);
    b->pool.shutdown();
    BOOST_TEST(b->pool.stats().completed == 2u);
}

BOOST_AUTO_TEST_CASE(a_broken_pool_turns_the_line_away) {
    gate go, started;
    std::atomic<int> workers{0};
    thread_pool pool({.max_workers = 2,
                      .initializer =
                          [&] {
                              if (workers++ == 1) {
                                  go.pass();
                                  throw std::runtime_error("no licence");
                              }
                          },
                      .max_queue = 1});
    gate release;
    auto busy = pool.submit([&] {
        started.open();
        release.pass();
    });
    started.pass();
    auto first = pool.submit([] {}),
         second = async_invoke(
             pool, [] {}, use_future),
         third = async_invoke(pool, [] {}, use_future);
    go.open();
    BOOST_CHECK_THROW(third.result(), broken_thread_pool);
    BOOST_CHECK_THROW(second.result(), broken_thread_pool);
    release.open();
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
    b.go.open();
    for (int i = 0; i < many; i += 2)
        calls[static_cast<std::size_t>(i)].result();
    BOOST_TEST(ran == many / 2);
}

BOOST_AUTO_TEST_CASE(options_out_of_range_are_named) {
    thread_pool pool(1);
    try {
        pool.submit({.attempts = 0}, [] {});
        BOOST_ERROR("no attempt at all");
    } catch (const std::invalid_argument& e) {
        BOOST_TEST(std::string(e.what()).find("attempts") != std::string::npos);
    }
}
