// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
// The worker processes of a pool: when they start, what they inherit, when they are replaced.
#include <ferry/process_pool.hpp>

#include <ferry/ferry.hpp>
#include <ferry/process.hpp>

#define BOOST_TEST_MODULE process_workers
#define BOOST_TEST_NO_MAIN
#include "helpers/process_helpers.hpp"
#include "helpers/worker_main.hpp"

#include <csignal>
#include <cstdio>
#include <map>
#include <set>
#include <thread>
#include <vector>

#include <fcntl.h>
#include <sys/wait.h>

using namespace std::chrono_literals;

namespace {

int global = 1;

} // namespace

BOOST_AUTO_TEST_CASE(no_process_starts_before_it_is_needed_and_an_idle_one_is_reused) { // CF-PP-05
    ferry::process_pool pool(4);
    BOOST_TEST(pool.stats().workers == 0u);
    std::set<int> pids;
    for (int i = 0; i < 3; ++i)
        pids.insert(pool.submit(pid).result());
    BOOST_TEST(pids.size() == 1u);
    BOOST_TEST(pool.stats().workers == 1u);
}

BOOST_AUTO_TEST_CASE(never_more_processes_than_max_workers) { // CF-PP-04
    ferry::process_pool pool(2);
    std::vector<ferry::future<int>> all;
    std::set<int> pids;
    for (int i = 0; i < 30; ++i)
        all.push_back(pool.submit(sleeping, 2));
    for (auto& f : all)
        pids.insert(f.result());
    BOOST_TEST(pids.size() == 2u);
    BOOST_TEST(pids.count(::getpid()) == 0u); // CF-PP-07
}

BOOST_AUTO_TEST_CASE(a_worker_is_replaced_after_max_tasks_per_child) { // CF-PP-08, CF-PP-41
    ferry::process_pool pool({.max_workers = 1, .max_tasks_per_child = 3});
    std::vector<int> pids;
    for (int i = 0; i < 9; ++i)
        pids.push_back(pool.submit(pid).result());
    for (std::size_t i = 0; i < 9; ++i)
        BOOST_TEST((pids[i] == pids[i / 3 * 3]));
    BOOST_TEST((std::set<int>(pids.begin(), pids.end()).size() == 3u));
    std::vector<ferry::future<int>> all; // and with all of them handed out at once
    for (int i = 0; i < 30; ++i)
        all.push_back(pool.submit(pid));
    std::map<int, int> count;
    for (auto& f : all)
        ++count[f.result()];
    for (const auto& [p, n] : count)
        BOOST_TEST(n <= 3);
    BOOST_TEST(pool.stats().workers <= 1u);
    pool.shutdown();
    for (const auto& [p, n] : count)
        BOOST_TEST(::kill(p, 0) == -1);
}

BOOST_AUTO_TEST_CASE(the_initializer_runs_once_in_each_worker_before_its_first_task) { // CF-INIT-01
    std::string text = "first";
    ferry::process_pool_options options{.max_workers = 2,
                                        .initializer = {[](int n, const std::string& s) {
                                                            global = n + static_cast<int>(s.size());
                                                        },
                                                        100, text},
                                        .max_tasks_per_child = 2};
    text = "changed later"; // CF-INIT-08
    ferry::process_pool pool(options);
    std::vector<ferry::future<int>> all;
    for (int i = 0; i < 12; ++i)
        all.push_back(pool.submit([] { return global++; }));
    for (auto& f : all)
        BOOST_TEST((f.result() == 105 || f.result() == 106));
}

BOOST_AUTO_TEST_CASE(a_large_initializer_argument_arrives) {
    ferry::process_pool pool(
        {.max_workers = 1,
         .initializer = {[](const std::vector<int>& v) { global = static_cast<int>(v.size()); },
                         std::vector<int>(100'000)}});
    BOOST_TEST(pool.submit([] { return global; }).result() == 100'000);
}

BOOST_AUTO_TEST_CASE(an_initializer_that_throws_breaks_the_pool) { // CF-INIT-03, CF-BRK-05
    ferry::process_pool pool(
        {.max_workers = 2, .initializer = {[] { throw std::runtime_error("no licence"); }}});
    std::vector<ferry::future<int>> all;
    try {
        for (int i = 0; i < 5; ++i)
            all.push_back(pool.submit(pid));
    } catch (const ferry::broken_process_pool&) {
    }
    BOOST_REQUIRE(!all.empty());
    for (auto& f : all) {
        try {
            f.result(patience);
            BOOST_ERROR("expected broken_process_pool");
        } catch (const ferry::broken_process_pool& e) {
            BOOST_TEST(std::string(e.what()).find("no licence") != std::string::npos);
        }
    }
    BOOST_CHECK_THROW(pool.submit(pid), ferry::broken_process_pool);
    pool.shutdown();
    pool.shutdown();
    BOOST_TEST(pool.stats().workers == 0u); // CF-BRK-06
    ferry::process_pool fresh(1);           // CF-BRK-27
    BOOST_TEST(fresh.submit(triple, 1).result() == 3);
}

BOOST_AUTO_TEST_CASE(an_initializer_that_crashes_breaks_the_pool) {
    ferry::process_pool pool({.max_workers = 1, .initializer = {[] { ::abort(); }}});
    auto f = pool.submit(pid);
    BOOST_CHECK_THROW(f.result(patience), ferry::broken_process_pool);
}

BOOST_AUTO_TEST_CASE(the_environment_and_the_working_directory_reach_the_worker) { // CF-PP-34
    ::setenv("FERRY_TEST_KEPT", "kept", 1);
    ::setenv("FERRY_TEST_CHANGED", "old", 1);
    ferry::process_pool pool({.max_workers = 1,
                              .environment = {{"FERRY_TEST_CHANGED", "new"}},
                              .working_directory = "/"});
    const auto get = [](const std::string& name) {
        const char* const v = std::getenv(name.c_str());
        return std::string(v != nullptr ? v : "(none)");
    };
    BOOST_TEST(pool.submit(get, "FERRY_TEST_KEPT").result() == "kept");
    BOOST_TEST(pool.submit(get, "FERRY_TEST_CHANGED").result() == "new");
    BOOST_TEST(pool.submit(get, "FERRY_WORKER").result() == "(none)");
    BOOST_TEST(pool.submit([] { return std::filesystem::current_path().string(); }).result() ==
               "/");
}

BOOST_AUTO_TEST_CASE(a_working_directory_that_does_not_exist_breaks_the_pool_and_is_named) {
    ferry::process_pool pool({.max_workers = 1, .working_directory = "/no/such/directory"});
    try {
        pool.submit(pid).result(patience);
        BOOST_ERROR("expected broken_process_pool");
    } catch (const ferry::broken_process_pool& e) {
        BOOST_TEST(std::string(e.what()).find("/no/such/directory") != std::string::npos);
    }
}

BOOST_AUTO_TEST_CASE(a_worker_inherits_no_descriptor_but_its_own_and_the_standard_three) {
    const int leak = ::fcntl(STDERR_FILENO, F_DUPFD, 500); // a number that no worker uses itself
    ferry::process_pool pool(2);
    pool.submit(pid).result();
    const auto open_at_start = [](int from) { return ::fcntl(from, F_GETFD) != -1; };
    BOOST_TEST(!pool.submit(open_at_start, leak).result());
    ::close(leak);
    BOOST_TEST(pool.submit([] { return std::getchar(); }).result() == EOF); // its input is empty
}

BOOST_AUTO_TEST_CASE(what_a_task_prints_does_not_disturb_the_pool) {
    ferry::process_pool pool(1);
    for (int i = 0; i < 3; ++i) {
        pool.submit([] {
                std::printf("%s", "");
                std::fputs("a task writes to standard error\n", stderr);
                char c = 0;
                static_cast<void>(::read(0, &c, 1) < 0);
            })
            .result();
    }
    BOOST_TEST(pool.submit(triple, 3).result() == 9);
}

BOOST_AUTO_TEST_CASE(a_worker_ignores_an_interrupt_from_the_terminal) {
    ferry::process_pool pool(1);
    const int p = pool.submit(pid).result();
    ::kill(p, SIGINT);
    BOOST_TEST(pool.submit(pid).result() == p);
}

BOOST_AUTO_TEST_CASE(pools_can_be_nested_but_not_without_end) { // CF-PP-36
    ferry::process_pool pool(1);
    BOOST_TEST(pool.submit([] {
                       ferry::process_pool inner(1);
                       return inner.submit(triple, 14).result();
                   })
                   .result() == 42);
    ::setenv("FERRY_WORKER_DEPTH", "8", 1);
    BOOST_CHECK_THROW(ferry::process_pool(1), std::logic_error);
    ::unsetenv("FERRY_WORKER_DEPTH");
}

BOOST_AUTO_TEST_CASE(a_task_can_start_a_program) { // CF-TP-10
    ferry::process_pool pool(1);
    BOOST_TEST(pool.submit([] { return std::system("exit 3"); }).result() == 3 << 8);
}

BOOST_AUTO_TEST_CASE(a_user_that_collects_all_children_does_not_hang_the_pool) {
    ferry::process_pool pool(1);
    auto f = pool.submit(sleeping, 30'000);
    const int p = wait_for_worker_of(f, pool);
    std::atomic<bool> enough = false;
    std::thread thief([&enough] {
        while (!enough) {
            ::waitpid(-1, nullptr, WNOHANG);
            std::this_thread::yield();
        }
    });
    ::kill(p, SIGKILL);
    BOOST_CHECK_THROW(f.result(patience), ferry::worker_died);
    pool.shutdown();
    enough = true;
    thief.join();
}

BOOST_AUTO_TEST_CASE(ignored_SIGCHLD_does_not_hang_the_pool) {
    const auto before = ::signal(SIGCHLD, SIG_IGN);
    {
        ferry::process_pool pool(1);
        BOOST_TEST(pool.submit(triple, 1).result() == 3);
        auto f = pool.submit([] { ::_exit(3); });
        BOOST_CHECK_THROW(f.result(patience), ferry::worker_died);
        BOOST_TEST(pool.submit(triple, 1).result() == 3);
    }
    ::signal(SIGCHLD, before);
}
