// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include <ferry/thread_pool.hpp>

#include "helpers/gate.hpp"
#include "helpers/proc.hpp"
#include "helpers/sanitized.hpp"
#include "helpers/submit_until_refused.hpp"
#include "support/slab_memory.hpp"

#define BOOST_TEST_MODULE shutdown
#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <latch>
#include <thread>

#include <malloc.h>
#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace ferry;
using namespace std::chrono_literals;

BOOST_AUTO_TEST_CASE(a_deadline_gives_a_report_and_leaves_stuck_threads_alone) { // CF-SHUT-26
    gate go, started;
    std::atomic<bool> finished{false};
    auto pool = std::make_unique<thread_pool>(2);
    auto stuck = pool->submit({.label = "stuck one"}, [&] {
        started.open();
        go.pass();
        finished = true;
    });
    started.pass();
    auto quick = pool->submit([] { return 1; });
    quick.wait();
    std::vector<future<void>> queued;
    auto second = pool->submit({.label = "stuck two"}, [&] { go.pass(); });
    for (int i = 0; i < 3; ++i)
        queued.push_back(pool->submit([] {}));
    const auto report = pool->shutdown(20ms);
    BOOST_TEST(report.dropped == 3u);
    BOOST_REQUIRE(report.stuck.size() == 2u);
    std::vector<std::string> labels{report.stuck[0].label, report.stuck[1].label};
    std::ranges::sort(labels);
    BOOST_TEST(labels[0] == "stuck one");
    BOOST_TEST(labels[1] == "stuck two");
    for (auto& f : queued)
        BOOST_TEST(f.cancelled());
    BOOST_TEST(pool->shutdown(1h).stuck.empty()); // nothing waits for them again
    pool.reset();
    BOOST_TEST(!stuck.done());
    go.open();
    stuck.result();
    second.result();
    BOOST_TEST(finished);
}

BOOST_AUTO_TEST_CASE(an_idle_pool_ends_at_once_whatever_the_limit) { // CF-SHUT-26
    thread_pool pool(2);
    auto f = pool.submit([] {});
    const auto report = pool.shutdown(std::chrono::hours::max());
    BOOST_TEST(report.dropped == 0u);
    BOOST_TEST(report.stuck.empty());
    BOOST_TEST(f.done());
}

BOOST_AUTO_TEST_CASE(several_threads_may_shut_down_while_others_submit) { // CF-SHUT-18
    for (int round = 0; round < 300; ++round) {
        thread_pool pool(2);
        std::vector<future<int>> all;
        std::thread submitter([&] {
            try {
                for (int i = 0;; ++i)
                    all.push_back(pool.submit([i] { return i; }));
            } catch (const shutdown_error&) {
            }
        });
        std::thread one([&] { pool.shutdown({.cancel_futures = round % 2 == 0}); });
        std::thread two([&] { pool.shutdown(round % 3 == 0 ? timeout(0s) : timeout()); });
        pool.shutdown();
        one.join();
        two.join();
        submitter.join();
        for (auto& f : all) // at a deadline what runs is left behind, and ends by itself
            BOOST_REQUIRE(f.wait_for(20s));
    }
}

BOOST_AUTO_TEST_CASE(all_threads_end_busy_and_idle_ones) { // CF-SHUT-08
    gate go;
    thread_pool pool({.max_workers = 3, .thread_name_prefix = "ending"});
    std::latch all(4);
    for (int i = 0; i < 3; ++i)
        pool.submit([&, i] {
            all.arrive_and_wait();
            if (i != 0)
                go.pass();
        });
    all.arrive_and_wait();
    BOOST_TEST(threads_named("ending_") == 3u);
    pool.shutdown({.wait = false});
    go.open();
    pool.shutdown();
    BOOST_TEST(eventually([] { return threads_named("ending_") == 0; }));
}

BOOST_AUTO_TEST_CASE(the_scope_waits_for_everything_and_ends_the_threads) { // CF-SHUT-09
    std::vector<future<int>> all;
    {
        thread_pool pool({.max_workers = 2, .thread_name_prefix = "scope"});
        for (int i = 0; i < 20; ++i)
            all.push_back(pool.submit([i] { return i; }));
    }
    for (int i = 0; i < 20; ++i)
        BOOST_TEST(all[static_cast<std::size_t>(i)].result(0s) == i);
    BOOST_TEST(eventually([] { return threads_named("scope_") == 0; }));
}

BOOST_AUTO_TEST_CASE(shutdown_without_waiting_returns_at_once) { // CF-SHUT-11
    gate go;
    future<int> running, queued;
    {
        thread_pool pool(1);
        running = pool.submit([&] { return go.pass(), 1; });
        queued = pool.submit([] { return 2; });
        pool.shutdown({.wait = false});
        BOOST_TEST(!running.done());
        BOOST_CHECK_THROW(pool.submit([] {}), shutdown_error);
        go.open();
    }
    BOOST_TEST(running.result(0s) == 1);
    BOOST_TEST(queued.result(0s) == 2);
}

BOOST_AUTO_TEST_CASE(a_running_task_cannot_submit_once_shutdown_has_begun) { // CF-SHUT-22
    future<bool> refused;
    {
        thread_pool pool(2);
        gate started;
        refused = pool.submit([&] {
            started.open();
            return submit_until_refused(pool);
        });
        started.pass();
    }
    BOOST_TEST(refused.result(0s));
}

BOOST_AUTO_TEST_CASE(without_a_prefix_each_pool_has_a_name_of_its_own) { // CF-SHUT-15
    const auto name = [] {
        char n[16];
        pthread_getname_np(pthread_self(), n, sizeof n);
        return std::string(n);
    };
    thread_pool one(1), two(1);
    const auto first = one.submit(name).result(), second = two.submit(name).result();
    BOOST_TEST(first.starts_with("ferry-"));
    BOOST_TEST(second.starts_with("ferry-"));
    BOOST_TEST(first != second);
}

BOOST_AUTO_TEST_CASE(idle_threads_end_and_come_back) { // CF-TP-15
    std::atomic<int> begun{0}, ended{0};
    {
        thread_pool pool({.max_workers = 2,
                          .initializer = [&] { ++begun; },
                          .finalizer = [&] { ++ended; },
                          .idle_timeout = 0s});
        for (int i = 0; i < 10000; ++i)
            BOOST_REQUIRE(pool.submit([i] { return i; }).result() == i);
    }
    BOOST_TEST(begun == ended);
    BOOST_TEST(begun >= 1);
}

BOOST_AUTO_TEST_CASE(an_idle_thread_is_reused) { // CF-TP-04
    for (int round = 0; round < 300; ++round) {
        thread_pool pool(4);
        for (int i = 0; i < 3; ++i)
            pool.submit([] {}).result();
        BOOST_REQUIRE(pool.stats().workers == 1u);
    }
}

BOOST_AUTO_TEST_CASE(statistics_count_what_happened) { // CF-TP-17
    gate go, started;
    thread_pool pool(2);
    auto a = pool.submit([&] {
        started.open();
        go.pass();
    });
    started.pass();
    auto b = pool.submit([&] { go.pass(); });
    std::vector<future<void>> more;
    for (int i = 0; i < 5; ++i)
        more.push_back(pool.submit([] {}));
    more[0].cancel();
    while (pool.stats().running != 2)
        std::this_thread::yield();
    auto s = pool.stats();
    BOOST_TEST(s.workers == 2u);
    BOOST_TEST(s.idle == 0u);
    BOOST_TEST(s.queued == 4u);
    BOOST_TEST(s.cancelled == 1u);
    go.open();
    for (auto& f : more)
        f.wait();
    auto failed = pool.submit([] { throw 1; });
    failed.wait();
    a.wait();
    b.wait();
    s = pool.stats();
    BOOST_TEST(s.completed == 6u);
    BOOST_TEST(s.failed == 1u);
    BOOST_TEST(s.queued == 0u);
    BOOST_TEST(s.run_time.count() == 7u);
    BOOST_TEST(s.queue_wait.count() == 7u);
    BOOST_TEST(s.run_time.quantile(1.0).count() > 0);
}

BOOST_AUTO_TEST_CASE(cancelled_tasks_do_not_pile_up_behind_a_busy_worker) {
    gate go;
    thread_pool pool(1);
    auto busy = pool.submit([&] { go.pass(); });
    auto tracked = std::make_shared<int>(0);
    for (int i = 0; i < 100000; ++i)
        pool.submit([tracked] {}).cancel();
    BOOST_TEST(tracked.use_count() == 1);
    BOOST_TEST(pool.stats().queued == 0u);
    go.open();
}

#if !FERRY_SANITIZED
BOOST_AUTO_TEST_CASE(a_million_cancelled_tasks_behind_a_busy_worker_take_no_memory) {
    gate go;
    thread_pool pool(1);
    auto busy = pool.submit([&] { go.pass(); });
    const auto in_use = [] {
        return ::mallinfo2().uordblks +
               detail::slab_memory::instance().pieces() * detail::slab_memory::piece;
    };
    const std::size_t before = in_use();
    std::size_t most = 0;
    for (int i = 0; i < 1'000'000; ++i) {
        pool.submit({.priority = i % 3}, [text = std::array<char, 100>()] { return text[0]; })
            .cancel();
        if (i % 1000 == 0)
            most = std::max(most, in_use() - before);
    }
    BOOST_TEST(most < 1'000'000u); // a thousand tasks are more than 200 KB
    go.open();
}
#endif

BOOST_AUTO_TEST_CASE(pools_created_in_a_row_leave_nothing) { // CF-SHUT-33
    const auto once = [] {
        thread_pool pool({.max_workers = 2, .thread_name_prefix = "row"});
        pool.submit({.timeout = 1h}, [] {}).result();
    };
    once();
    const auto files = open_files();
    for (int i = 0; i < 200; ++i)
        once();
    BOOST_TEST(open_files() == files);
    BOOST_TEST(eventually([] { return threads_named("row_") == 0; }));
}

BOOST_AUTO_TEST_CASE(forked_children_that_never_touch_the_pool_disturb_nothing) { // CF-IOP-09
    thread_pool pool(2);
    gate go;
    std::vector<future<int>> all;
    all.push_back(pool.submit([&] {
        go.pass();
        return 0;
    }));
    std::vector<pid_t> children;
    for (int i = 1; i <= 20; ++i) {
        all.push_back(pool.submit([i] { return i; })); // runs while the program forks
        const pid_t child = ::fork();
        if (child == 0)
            ::_exit(i); // also with futures and a pool in its memory
        BOOST_REQUIRE(child > 0);
        children.push_back(child);
    }
    for (int i = 1; i <= 20; ++i) {
        int status = 0;
        const pid_t child = children[static_cast<std::size_t>(i - 1)];
        BOOST_REQUIRE(::waitpid(child, &status, 0) == child);
        BOOST_TEST(WIFEXITED(status));
        BOOST_TEST(WEXITSTATUS(status) == i);
    }
    go.open();
    for (int i = 0; i <= 20; ++i)
        BOOST_TEST(all[static_cast<std::size_t>(i)].result() == i);
    BOOST_TEST(pool.stats().completed == 21u);
}

BOOST_AUTO_TEST_CASE(a_forked_child_may_leave_with_a_pool_alive) { // CF-IOP-09
    auto pool = std::make_unique<thread_pool>(1);
    pool->submit([] {}).result();
    const pid_t child = ::fork();
    if (child == 0) {
        pool.reset(); // its threads are not here
        ::_exit(7);
    }
    int status = 0;
    BOOST_REQUIRE(::waitpid(child, &status, 0) == child);
    BOOST_TEST(WIFEXITED(status));
    BOOST_TEST(WEXITSTATUS(status) == 7);
    BOOST_TEST(pool->submit([] { return 1; }).result() == 1);
}
