// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
// No thread can be started for a while.
#include <ferry/as_completed.hpp>
#include <ferry/promise.hpp>
#include <ferry/submit.hpp>
#include <ferry/thread_pool.hpp>

#include "helpers/gate.hpp"

#define BOOST_TEST_MODULE thread_shortage
#include <boost/test/unit_test.hpp>

#include <boost/asio/post.hpp>
#include <boost/asio/strand.hpp>

#include <atomic>
#include <cerrno>
#include <functional>
#include <system_error>
#include <vector>

#include <dlfcn.h>
#include <pthread.h>

using namespace ferry;
using namespace std::chrono_literals;

namespace {

std::atomic<bool> shortage{false};

struct short_of_threads {
    short_of_threads() { shortage = true; }
    ~short_of_threads() { shortage = false; }
};

} // namespace

extern "C" int pthread_create(pthread_t* thread, const pthread_attr_t* attributes,
                              void* (*start)(void*), void* argument) noexcept {
    if (shortage)
        return EAGAIN;
    static const auto real =
        reinterpret_cast<int (*)(pthread_t*, const pthread_attr_t*, void* (*)(void*), void*)>(
            ::dlsym(RTLD_NEXT, "pthread_create"));
    return real(thread, attributes, start, argument);
}

// First, while no timer thread runs.
BOOST_AUTO_TEST_CASE(without_a_timer_thread_a_task_with_a_timeout_fails) {
    thread_pool pool(1);
    pool.submit([] {}).result();
    bool ran = false;
    future<void> timed, starts;
    promise<int> p;
    auto futures = as_completed(std::vector{p.get_future()}, 1h);
    {
        const short_of_threads now;
        timed = pool.submit({.timeout = 1h}, [&] { ran = true; });
        starts =
            pool.submit({.start_by = std::chrono::steady_clock::now() + 1h}, [&] { ran = true; });
        BOOST_CHECK_THROW(timed.result(), std::system_error);
        BOOST_CHECK_THROW(starts.result(), std::system_error);
        BOOST_CHECK_THROW((void)*futures.begin(), std::system_error);
    }
    BOOST_TEST(!ran);
    BOOST_TEST(pool.submit({.timeout = 1h}, [] { return 1; }).result() == 1);
}

BOOST_AUTO_TEST_CASE(a_task_that_no_thread_can_run_is_refused) {
    const std::vector<std::function<int()>> calls(3, [] { return 2; });
    for (const std::size_t max_queue : {0, 5}) {
        thread_pool pool(thread_pool_options{.max_workers = 2, .max_queue = max_queue});
        const auto strand = boost::asio::make_strand(pool.get_executor());
        {
            const short_of_threads now;
            BOOST_CHECK_THROW(pool.submit([] {}), std::system_error);
            BOOST_CHECK_THROW(pool.submit({.priority = 3}, [] {}), std::system_error);
            if (max_queue == 0)
                BOOST_CHECK_THROW(pool.submit_bulk(calls), std::system_error);
        }
        BOOST_TEST(pool.stats().queued == 0u);
        BOOST_TEST(pool.submit([] { return 1; }).result() == 1);
        for (const auto& f : pool.submit_bulk(calls))
            BOOST_TEST(f.result() == 2);
    }
}

BOOST_AUTO_TEST_CASE(where_other_threads_are_they_do_the_work) {
    thread_pool pool(4);
    pool.submit([] {}).result();
    const short_of_threads now;
    std::vector<future<int>> futures;
    for (int i = 0; i < 100; ++i)
        futures.push_back(pool.submit([i] { return i; }));
    for (int i = 0; i < 100; ++i)
        BOOST_TEST(futures[static_cast<std::size_t>(i)].result() == i);
}

BOOST_AUTO_TEST_CASE(a_posted_function_waits_for_a_thread) {
    thread_pool pool(1);
    gate ran;
    {
        const short_of_threads now;
        boost::asio::post(pool, [&] { ran.open(); });
    }
    ran.pass(); // nothing else touches the pool
}

BOOST_AUTO_TEST_CASE(a_strand_keeps_its_turn) {
    thread_pool pool(2);
    const auto strand = boost::asio::make_strand(pool.get_executor());
    future<int> first;
    gate second;
    {
        const short_of_threads now;
        first = submit(strand, [] { return 1; });
        boost::asio::post(strand, [&] { second.open(); });
    }
    BOOST_TEST(submit(strand, [] { return 2; }).result() == 2);
    BOOST_TEST(first.result() == 1);
    second.pass();
}

BOOST_AUTO_TEST_CASE(a_pool_ends_when_the_shortage_does) {
    std::atomic<bool> ran{false};
    std::thread later;
    {
        thread_pool pool(1);
        shortage = true;
        boost::asio::post(pool, [&] { ran = true; });
        shortage = false;
        later = std::thread([] {});
    }
    later.join();
    BOOST_TEST(ran.load());
}

BOOST_AUTO_TEST_CASE(a_wait_that_needs_one_more_thread_says_so) {
    thread_pool pool(1);
    std::function<int(int)> down = [&](int level) -> int {
        char stack[100'000];
        stack[level % 10] = 0;
        asm volatile("" : : "r"(stack) : "memory");
        return level == 0 ? 0 : 1 + pool.submit(down, level - 1).result();
    };
    pool.submit([] {}).result();
    auto f = pool.submit([&] {
        const short_of_threads now;
        return down(200);
    });
    BOOST_CHECK_THROW(f.result(), would_deadlock);
    BOOST_TEST(pool.submit(down, 100).result() == 100);
}
