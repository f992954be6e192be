// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
// What a bounded pool promises, on a pool of threads and on a pool of processes.
#include <ferry/ferry.hpp>
#include <ferry/process.hpp>

#define BOOST_TEST_MODULE admission_forms
#define BOOST_TEST_NO_MAIN
#include "helpers/gate.hpp"
#include "helpers/process_helpers.hpp"
#include "helpers/worker_main.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/detached.hpp>
#include <boost/mpl/list.hpp>

#include <chrono>
#include <filesystem>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace asio = boost::asio;
using namespace ferry;
using namespace std::chrono_literals;

namespace {

using pools = boost::mpl::list<thread_pool, process_pool>;

// In a worker process it never opens.
std::unique_ptr<gate> open_here = std::make_unique<gate>();

int stay(int n) {
    open_here->pass();
    return n;
}
int same(int n) { return n; }
std::size_t size_of(const std::string& text) { return text.size(); }

template <class Pool>
struct options_of;
template <>
struct options_of<thread_pool> {
    using type = thread_pool_options;
};
template <>
struct options_of<process_pool> {
    using type = process_pool_options;
};

// One worker, which stays in a task until that is released.
template <class Pool>
struct busy {
    explicit busy(std::size_t max_queue, std::size_t bytes = 0, timeout wait = {},
                  when_full full = when_full::block)
        : pool(options(max_queue, bytes, wait, full)) {
        open_here = std::make_unique<gate>();
        do { // it may expire itself before a worker is there
            blocker = pool.submit(stay, 1);
            while (!blocker.running() && !blocker.done())
                std::this_thread::yield();
        } while (!blocker.running());
    }
    ~busy() { release(); }
    static auto options(std::size_t max_queue, std::size_t bytes, timeout wait, when_full full) {
        typename options_of<Pool>::type o;
        o.max_workers = 1;
        o.max_queue = max_queue;
        o.max_queue_bytes = bytes;
        o.max_wait = wait;
        o.when_full = full;
        return o;
    }
    void release() {
        if (std::is_same_v<Pool, thread_pool>) {
            open_here->open();
            return;
        }
        // The call is ended with its worker, which another one replaces.
        asio::io_context io;
        asio::cancellation_signal stop;
        asio::co_spawn(io, blocker.async_result(),
                       asio::bind_cancellation_slot(stop.slot(), asio::detached));
        asio::post(io, [&] { stop.emit(asio::cancellation_type::terminal); });
        io.run();
    }
    Pool pool;
    future<int> blocker;
};

} // namespace

BOOST_AUTO_TEST_CASE_TEMPLATE(a_rejection_reaches_submit_and_the_awaiting_forms, Pool, pools) {
    busy<Pool> b(1, 0, {}, when_full::reject);
    auto queued = b.pool.submit(same, 2);
    BOOST_CHECK_THROW(b.pool.submit(same, 3), queue_full_error);
    BOOST_CHECK_THROW(run(run_in_executor(b.pool, same, 3)), queue_full_error);
    BOOST_CHECK_THROW(
        async_invoke(b.pool, [] { return 3; }, use_future).result(), queue_full_error);
    BOOST_TEST(b.pool.stats().queued == 1u);
    BOOST_TEST(queued.cancel());
    queued = b.pool.submit(same, 4);
    b.release();
    BOOST_TEST(queued.result() == 4);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(coroutines_and_threads_stand_in_one_line, Pool, pools) {
    busy<Pool> b(1);
    auto queued = b.pool.submit(same, 0);
    asio::io_context io;
    std::vector<int> order;
    for (int i = 1; i != 4; ++i)
        asio::co_spawn(
            io,
            [&b, &order, i]() -> asio::awaitable<void> {
                order.push_back(co_await run_in_executor(b.pool, same, i));
            },
            asio::detached);
    io.poll(); // would not return
    BOOST_TEST(b.pool.stats().queued == 1u);
    std::optional<future<int>> late;
    std::thread other([&] { late = b.pool.submit(same, 4); });
    b.release();
    io.run();
    other.join();
    BOOST_TEST(order == (std::vector{1, 2, 3}), boost::test_tools::per_element());
    BOOST_TEST(late->result() == 4);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_cancelled_coroutine_leaves_the_line, Pool, pools) {
    busy<Pool> b(1);
    auto queued = b.pool.submit(same, 0);
    asio::io_context io;
    asio::cancellation_signal stop;
    bool cancelled = false;
    int value = 0;
    asio::co_spawn(
        io,
        [&]() -> asio::awaitable<void> {
            try {
                co_await run_in_executor(b.pool, same, 1);
            } catch (const cancelled_error&) {
                cancelled = true;
            }
        },
        asio::bind_cancellation_slot(stop.slot(), asio::detached));
    asio::co_spawn(
        io, [&]() -> asio::awaitable<void> { value = co_await run_in_executor(b.pool, same, 2); },
        asio::detached);
    io.poll();
    stop.emit(asio::cancellation_type::terminal);
    io.poll();
    BOOST_TEST(cancelled);
    BOOST_TEST(value == 0);
    b.release();
    io.run();
    BOOST_TEST(value == 2);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(bytes_are_bounded, Pool, pools) {
    busy<Pool> b(0, 100'000, {}, when_full::reject);
    auto first = b.pool.submit({.bytes = 60'000}, same, 1);
    BOOST_CHECK_THROW(b.pool.submit({.bytes = 60'000}, same, 2), queue_full_error);
    try {
        b.pool.submit({.bytes = 100'001}, same, 3);
        BOOST_ERROR("it can never fit");
    } catch (const queue_full_error& e) {
        BOOST_TEST((e.retry_after() == std::chrono::nanoseconds::max()));
    }
    BOOST_TEST(first.cancel());
    auto second = b.pool.submit({.bytes = 60'000}, same, 4);
    b.release();
    BOOST_TEST(second.result() == 4);
    BOOST_TEST(b.pool.submit({.bytes = 99'000}, same, 5).result() == 5);
}

BOOST_AUTO_TEST_CASE(encoded_arguments_count) {
    busy<process_pool> b(0, 100'000, {}, when_full::reject);
    auto first = b.pool.submit(size_of, std::string(60'000, 'x'));
    BOOST_CHECK_THROW(b.pool.submit(size_of, std::string(60'000, 'x')), queue_full_error);
    BOOST_CHECK_THROW(b.pool.submit(size_of, std::string(100'001, 'x')), queue_full_error);
    auto small = b.pool.submit(size_of, std::string(10, 'x'));
    b.release();
    BOOST_TEST(first.result() == 60'000u);
    BOOST_TEST(small.result() == 10u);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(what_waits_too_long_expires, Pool, pools) {
    busy<Pool> b(1, 0, 20ms);
    auto queued = b.pool.submit(same, 1);
    auto in_line = async_invoke(b.pool, [] { return 2; }, use_future);
    auto blocked = b.pool.submit(same, 3);
    BOOST_CHECK_THROW(queued.result(), timeout_error);
    BOOST_CHECK_THROW(in_line.result(), timeout_error);
    BOOST_CHECK_THROW(blocked.result(), timeout_error);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(map_waits_even_if_the_pool_rejects, Pool, pools) {
    busy<Pool> b(1, 0, 0s, when_full::reject);
    int sum = 0;
    std::thread reader([&] {
        const std::vector<int> input{1, 2, 3, 4, 5};
        for (const int n : b.pool.map(same, input))
            sum += n;
    });
    while (b.pool.stats().queued == 0)
        std::this_thread::yield();
    b.release();
    reader.join();
    BOOST_TEST(sum == 15);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(shutdown_turns_the_line_away, Pool, pools) {
    busy<Pool> b(1);
    auto queued = b.pool.submit(same, 1);
    auto in_line = async_invoke(b.pool, [] { return 2; }, use_future);
    std::exception_ptr why;
    std::thread blocked([&] {
        try {
            static_cast<void>(b.pool.submit(same, 3));
        } catch (...) {
            why = std::current_exception();
        }
    });
    b.pool.shutdown({.wait = false});
    blocked.join();
    BOOST_REQUIRE(why != nullptr);
    BOOST_CHECK_THROW(std::rethrow_exception(why), shutdown_error);
    BOOST_CHECK_THROW(in_line.result(), shutdown_error);
    b.release();
    BOOST_TEST(queued.result() == 1);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_thousand_stand_in_line_and_all_are_served, Pool, pools) {
    busy<Pool> b(2);
    asio::io_context io;
    int sum = 0;
    for (int i = 0; i != 1000; ++i)
        asio::co_spawn(
            io,
            [&b, &sum]() -> asio::awaitable<void> {
                sum += co_await run_in_executor(b.pool, same, 1);
            },
            asio::detached);
    io.poll();
    b.release();
    io.run();
    BOOST_TEST(sum == 1000);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(bytes_that_overflow_their_sum_are_refused, Pool, pools) {
    constexpr std::size_t most = std::numeric_limits<std::size_t>::max();
    busy<Pool> b(0, most);
    auto first = b.pool.submit({.bytes = most - 4096}, same, 1);
    try {
        static_cast<void>(b.pool.submit({.bytes = most}, same, 2));
        BOOST_ERROR("it was accepted");
    } catch (const std::invalid_argument& e) {
        BOOST_TEST(std::string(e.what()).find("task_options::bytes") != std::string::npos);
    }
    auto next = b.pool.submit(same, 3);
    b.release();
    BOOST_TEST(first.result() == 1);
    BOOST_TEST(next.result() == 3);
}

// What runs holds its bytes, but does not wait with them.
BOOST_AUTO_TEST_CASE(bytes_of_a_task_that_was_handed_out_make_room) {
    const marker go;
    busy<process_pool> b(0, 1000);
    auto first = b.pool.submit({.bytes = 600}, when_touched, go.path());
    asio::io_context io;
    int value = 0;
    const auto in_line = [&]() -> asio::awaitable<void> {
        task_options options{.bytes = 600};
        value = co_await run_in_executor(b.pool, options, same, 2);
    };
    asio::co_spawn(io, in_line(), asio::detached);
    io.poll();
    BOOST_TEST(b.pool.stats().queued == 1u);
    b.release();
    while (!first.running() || b.pool.stats().queued != 1) // the second one, while the first runs
        std::this_thread::yield();
    touch(go.path());
    io.run();
    BOOST_TEST(value == 2);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_bulk_that_is_refused_in_part_says_so_in_its_futures, Pool, pools) {
    busy<Pool> b(2, 0, {}, when_full::reject);
    const std::vector<int (*)()> calls(4, [] { return 5; });
    auto futures = b.pool.submit_bulk(calls);
    BOOST_TEST(futures.size() == 4u);
    BOOST_CHECK_THROW(futures[2].result(), queue_full_error);
    BOOST_CHECK_THROW(futures[3].result(), queue_full_error);
    b.release();
    BOOST_TEST(futures[0].result() == 5);
    BOOST_TEST(futures[1].result() == 5);
}
