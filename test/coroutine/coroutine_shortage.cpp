// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
// Each allocation of a coroutine's calls fails once: the coroutine gets an error, `run` ends, and
// afterwards all works.
#include <ferry/ferry.hpp>

#include "helpers/failing_new.hpp"

#define BOOST_TEST_MODULE coroutine_shortage
#include <boost/test/unit_test.hpp>

#include <stop_token>

using namespace ferry;
using namespace std::chrono_literals;
namespace asio = boost::asio;

namespace {

int cube(int x) { return x * x * x; }

asio::awaitable<void> one_call(thread_pool& pool) { co_await run_in_executor(pool, cube, 2); }
asio::awaitable<void> two_at_once(thread_pool& pool) {
    co_await gather(run_in_executor(pool, cube, 2), run_in_executor(pool, cube, 3));
}
asio::awaitable<void> with_a_limit(thread_pool& pool) {
    const auto until_stopped = [](std::stop_token stop) {
        while (!stop.stop_requested())
            std::this_thread::yield();
    };
    try {
        co_await wait_for(run_in_executor(pool, until_stopped), 1ms);
    } catch (const timeout_error&) {
    }
}
asio::awaitable<void> a_group(thread_pool& pool) {
    const auto body = [&pool](task_group& g) -> asio::awaitable<void> {
        g.spawn(run_in_executor(pool, cube, 1));
        g.spawn(run_in_executor(pool, cube, 2));
        co_return;
    };
    co_await with_task_group(body);
}
asio::awaitable<void> as_they_complete(thread_pool& pool) {
    std::vector futures{pool.submit(cube, 1), pool.submit(cube, 2)};
    auto next = as_completed(futures);
    while (auto f = co_await next.async_next()) {
    }
}

template <class Make>
long at_every_point(Make make) {
    thread_pool pool(2);
    pool.submit(cube, 1).result();
    return failing_new::fail_each_allocation([&](auto arm) {
        arm();
        try {
            run(make(pool));
        } catch (const std::exception&) {
        }
        failing_new::left = -1;
        run(make(pool));
    });
}

} // namespace

BOOST_AUTO_TEST_CASE(of_one_call) { BOOST_TEST(at_every_point(one_call) > 0); }
BOOST_AUTO_TEST_CASE(of_two_at_once) { BOOST_TEST(at_every_point(two_at_once) > 0); }
BOOST_AUTO_TEST_CASE(of_a_call_with_a_limit) { BOOST_TEST(at_every_point(with_a_limit) > 0); }
BOOST_AUTO_TEST_CASE(of_a_group) { BOOST_TEST(at_every_point(a_group) > 0); }
BOOST_AUTO_TEST_CASE(of_futures_as_they_complete) {
    BOOST_TEST(at_every_point(as_they_complete) > 0);
}
