// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
// The end of a process pool.
#include <ferry/process_pool.hpp>

#include <ferry/ferry.hpp>
#include <ferry/process.hpp>

#define BOOST_TEST_MODULE process_shutdown
#define BOOST_TEST_NO_MAIN
#include "helpers/gate.hpp"
#include "helpers/proc.hpp"
#include "helpers/process_helpers.hpp"
#include "helpers/worker_main.hpp"

#include <atomic>
#include <csignal>
#include <memory>
#include <utility>
#include <vector>

#include <sys/wait.h>

using namespace std::chrono_literals;

BOOST_AUTO_TEST_CASE(shutdown_completes_what_is_queued) { // CF-SHUT-04, CF-SHUT-01
    std::vector<ferry::future<int>> all;
    {
        ferry::process_pool pool(2);
        for (int i = 0; i < 50; ++i)
            all.push_back(pool.submit(triple, i));
        pool.shutdown();
        BOOST_CHECK_THROW(pool.submit(triple, 1), ferry::shutdown_error);
        BOOST_CHECK_THROW(pool.map(triple, std::vector{1}), ferry::shutdown_error); // CF-MAP-23
        BOOST_TEST(pool.stats().workers == 0u);
        pool.shutdown(); // CF-SHUT-18
    }
    for (int i = 0; i < 50; ++i)
        BOOST_TEST(all[static_cast<std::size_t>(i)].result(0s) == 3 * i);
}

BOOST_AUTO_TEST_CASE(shutdown_can_cancel_what_has_not_started) { // CF-SHUT-05
    ferry::process_pool pool(2);
    std::vector<ferry::future<int>> all;
    for (int i = 0; i < 50; ++i)
        all.push_back(pool.submit(sleeping, 20));
    wait_for_worker_of(all.front(), pool);
    pool.shutdown({.cancel_futures = true});
    int cancelled = 0, finished = 0;
    for (auto& f : all) {
        BOOST_TEST(f.done());
        ++(f.cancelled() ? cancelled : finished);
    }
    BOOST_TEST(cancelled > 20);
    BOOST_TEST(finished >= 1);
}

BOOST_AUTO_TEST_CASE(shutdown_without_waiting_returns_at_once) { // CF-SHUT-11
    ferry::process_pool pool(1);
    auto f = pool.submit(sleeping, 200);
    pool.shutdown({.wait = false});
    BOOST_TEST(!f.done());
    BOOST_TEST(f.result(patience) > 0);
}

BOOST_AUTO_TEST_CASE(shutdown_with_a_deadline_reports_what_was_left) { // CF-SHUT-26
    ferry::process_pool pool(1);
    auto quick = pool.submit(triple, 1);
    auto stuck = pool.submit({.label = "stuck one"}, sleeping_stubbornly, 600'000);
    quick.result();
    wait_for_worker_of(stuck, pool);
    auto queued = pool.submit(triple, 2);
    const auto report = pool.shutdown(100ms);
    BOOST_TEST(report.dropped == 1u);
    BOOST_REQUIRE(report.stuck.size() == 1u);
    BOOST_TEST(report.stuck.front().label == "stuck one");
    BOOST_CHECK(report.stuck.front().age >= 50ms);
    BOOST_TEST(queued.cancelled());
    BOOST_CHECK_THROW(stuck.result(patience), ferry::worker_died);
}

BOOST_AUTO_TEST_CASE(shutdown_with_a_deadline_leaves_a_callback_behind_that_blocks) {
    const auto go = std::make_shared<gate>();
    gate inside;
    ferry::process_pool pool(1);
    auto f = pool.submit({.label = "mine"}, triple, 1);
    f.add_done_callback([&inside, go](const auto&) {
        inside.open();
        go->pass();
    });
    inside.pass();
    const auto report = pool.shutdown(0s);
    BOOST_REQUIRE(report.stuck.size() == 1u);
    BOOST_TEST(report.stuck[0].label == "a callback of 'mine'");
    BOOST_TEST(report.stuck[0].age >= 1s);
    go->open();
}

BOOST_AUTO_TEST_CASE(shutdown_with_a_deadline_leaves_a_report_of_progress_behind_that_blocks) {
    const auto go = std::make_shared<gate>();
    gate inside;
    ferry::process_pool pool(1);
    ferry::task_options options;
    options.label = "mine";
    options.on_progress = [&inside, go](ferry::progress) {
        inside.open();
        go->pass();
    };
    auto f = pool.submit(std::move(options), [] { ferry::report_progress(1); });
    inside.pass();
    const auto report = pool.shutdown(0s);
    BOOST_REQUIRE(report.stuck.size() >= 1u);
    BOOST_TEST(report.stuck.back().label.ends_with(" 'mine'"));
    go->open();
    static_cast<void>(f.exception(patience)); // which came behind the report
}

BOOST_AUTO_TEST_CASE(shutdown_without_time_runs_the_callbacks_of_what_it_cancels) {
    constexpr int tasks = 200;
    std::atomic<int> called{0};
    ferry::process_pool pool(1);
    std::vector<ferry::future<int>> all;
    for (int i = 0; i < tasks; ++i) {
        all.push_back(pool.submit(sleeping, 20));
        all.back().add_done_callback([&](const auto&) { ++called; });
    }
    pool.shutdown(0s);
    BOOST_TEST(called.load() == tasks);
}

BOOST_AUTO_TEST_CASE(a_pool_that_was_never_used_ends) { // CF-PP-21
    ferry::process_pool pool(2);
    pool.terminate_workers();
    pool.kill_workers();
    BOOST_CHECK_THROW(pool.submit(pid), ferry::shutdown_error);
}

BOOST_AUTO_TEST_CASE(
    ending_the_workers_fails_what_runs_and_cancels_the_rest) { // CF-PP-17, CF-PP-19, CF-PP-22
    for (const bool gently : {true, false}) {
        ferry::process_pool pool(1);
        auto running = pool.submit(sleeping, 600'000);
        const int p = wait_for_worker_of(running, pool);
        auto queued = pool.submit(pid);
        gently ? pool.terminate_workers() : pool.kill_workers();
        try {
            running.result(patience);
            BOOST_ERROR("expected worker_died");
        } catch (const ferry::worker_died& e) {
            BOOST_TEST((e.signal() == (gently ? SIGTERM : SIGKILL)));
            BOOST_TEST(e.pid() == p);
        }
        BOOST_TEST(queued.cancelled());
        BOOST_TEST(::kill(p, 0) == -1);
        BOOST_CHECK_THROW(pool.submit(pid), ferry::shutdown_error);
        gently ? pool.terminate_workers() : pool.kill_workers();
    }
}

BOOST_AUTO_TEST_CASE(an_idle_worker_that_does_not_answer_does_not_hang_the_end) {
    ferry::process_pool pool({.max_workers = 1, .kill_grace = 50ms});
    const int p = pool.submit(pid).result();
    ::kill(p, SIGSTOP);
    pool.shutdown();
    BOOST_TEST(::kill(p, 0) == -1);
}

BOOST_AUTO_TEST_CASE(a_task_that_waits_with_a_timeout_gives_its_worker_back) { // CF-DLK-09
    ferry::process_pool pool(1);
    BOOST_TEST(pool.submit([] {
                       ferry::process_pool inner(1);
                       auto f = inner.submit(sleeping, 300);
                       try {
                           f.result(10ms);
                       } catch (const ferry::timeout_error&) {
                           return 1;
                       }
                       return 0;
                   })
                   .result(patience) == 1);
    BOOST_TEST(pool.submit(triple, 1).result(patience) == 3);
}

BOOST_AUTO_TEST_CASE(
    pools_leave_neither_descriptors_nor_threads_nor_processes) { // CF-SHUT-33, CF-PP-43
    const auto once = [] {
        ferry::process_pool pool(2);
        pool.submit([](std::string s) { return s; }, std::string(100'000, 'x')).result();
    };
    once();
    const auto files = open_files(), threads = threads_named("");
    for (int i = 0; i < 50; ++i)
        once();
    BOOST_TEST(open_files() == files);
    BOOST_TEST(eventually([&] { return threads_named("") <= threads; }));
    BOOST_TEST(::waitpid(-1, nullptr, WNOHANG) <= 0);
}
