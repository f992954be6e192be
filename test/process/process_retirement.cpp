// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
// How a pool's workers are set up, when one that is not needed ends, and what it does then.
#include <ferry/process_pool.hpp>

#include <ferry/ferry.hpp>
#include <ferry/process.hpp>

#define BOOST_TEST_MODULE process_retirement
#define BOOST_TEST_NO_MAIN
#include "helpers/proc.hpp"
#include "helpers/process_helpers.hpp"
#include "helpers/worker_main.hpp"

#include <limits>
#include <set>
#include <vector>

#include <sched.h>
#include <sys/resource.h>

using namespace std::chrono_literals;

namespace {

const bool in_worker = ferry::is_worker_process(); // before main()

void append(const std::string& path, const std::string& text) {
    std::ofstream(path, std::ios::app) << text << '\n';
}
std::vector<int> processors() {
    cpu_set_t set;
    std::vector<int> all;
    if (::sched_getaffinity(0, sizeof set, &set) == 0) {
        for (int i = 0; i < CPU_SETSIZE; ++i) {
            if (CPU_ISSET(i, &set))
                all.push_back(i);
        }
    }
    return all;
}
std::size_t resident() {
    std::ifstream file("/proc/self/statm");
    std::size_t pages = 0;
    file >> pages >> pages;
    return pages * 4096;
}

std::vector<char> kept; // by a worker

} // namespace

BOOST_AUTO_TEST_CASE(an_idle_worker_ends_and_a_new_one_is_started_on_demand) {
    ferry::process_pool pool({.max_workers = 2, .idle_timeout = 50ms});
    auto other = pool.submit(sleeping, 100);
    const int first = pool.submit(pid).result();
    other.result();
    BOOST_TEST(eventually([&] { return pool.stats().workers == 0; }));
    BOOST_TEST(::kill(first, 0) == -1);
    const int second = pool.submit(pid).result(patience);
    BOOST_TEST(second != first);
}

BOOST_AUTO_TEST_CASE(a_busy_worker_does_not_end) {
    ferry::process_pool pool({.max_workers = 1, .idle_timeout = 0s});
    for (int i = 0; i < 3; ++i)
        BOOST_TEST(pool.submit(sleeping, 300).result(patience) > 0);
    std::vector<ferry::future<int>> all;
    for (int i = 0; i < 300; ++i)
        all.push_back(pool.submit(pid));
    for (auto& f : all)
        BOOST_TEST(f.result(patience) > 0);
    BOOST_TEST(eventually([&] { return pool.stats().workers == 0; }));
}

BOOST_AUTO_TEST_CASE(a_long_time_for_idling_keeps_the_worker) {
    ferry::process_pool pool({.max_workers = 1, .idle_timeout = 1h});
    const int first = pool.submit(pid).result();
    pool.submit(sleeping, 300).result();
    BOOST_TEST(pool.submit(pid).result() == first);
}

BOOST_AUTO_TEST_CASE(the_finalizer_runs_once_in_each_worker_that_ends_in_order) {
    marker log;
    const auto note_pid = [](const std::string& path, const std::string& what) {
        append(path, what + std::to_string(::getpid()));
    };
    std::vector<std::string> expected;
    {
        ferry::process_pool pool({.max_workers = 1,
                                  .initializer = {note_pid, log.path(), "start "},
                                  .max_tasks_per_child = 2,
                                  .finalizer = {note_pid, log.path(), "end "}});
        for (int i = 0; i < 3; ++i) { // one worker is replaced, the other one has to go
            const auto p = std::to_string(pool.submit(pid).result(patience));
            if (i != 1)
                expected.push_back("start " + p);
            if (i != 0)
                expected.push_back("end " + p);
        }
    }
    BOOST_TEST(lines_of(log.path()) == expected, boost::test_tools::per_element());
    std::filesystem::remove(log.path());
    {
        ferry::process_pool idle(
            {.max_workers = 1, .idle_timeout = 0s, .finalizer = {note_pid, log.path(), "idle "}});
        const int p = idle.submit(pid).result(patience);
        BOOST_TEST(eventually([&] { return idle.stats().workers == 0; }));
        BOOST_TEST(lines_of(log.path()) == std::vector{"idle " + std::to_string(p)},
                   boost::test_tools::per_element());
    }
}

BOOST_AUTO_TEST_CASE(a_finalizer_may_have_large_arguments) {
    marker log;
    const std::string text(300'000, 'f');
    {
        ferry::process_pool pool(
            {.max_workers = 1,
             .initializer = {[](const std::string& s) { kept.assign(s.begin(), s.end()); },
                             std::string(200'000, 'i')},
             .finalizer = {append, log.path(), text}});
        BOOST_TEST(pool.submit([] { return kept.size(); }).result(patience) == 200'000u);
        for (int i = 0; i < 20; ++i) // what it came in is used again
            pool.submit([](const std::string& s) { return s; }, std::string(300'000, 'x')).result();
    }
    BOOST_TEST((lines_of(log.path()) == std::vector{text}));
}

BOOST_AUTO_TEST_CASE(a_finalizer_that_fails_harms_nobody) {
    for (const int how : {0, 1, 2}) {
        ferry::process_pool pool({.max_workers = 1,
                                  .max_tasks_per_child = 1,
                                  .kill_grace = 50ms,
                                  .finalizer = {[](int h) {
                                                    if (h == 0)
                                                        throw std::runtime_error("cannot end");
                                                    if (h == 1)
                                                        ::_exit(7);
                                                    sleeping_stubbornly(600'000);
                                                },
                                                how}});
        std::set<int> pids;
        for (int i = 0; i < 3; ++i)
            pids.insert(pool.submit(pid).result(patience));
        BOOST_TEST(pids.size() == 3u);
    }
}

BOOST_AUTO_TEST_CASE(a_worker_that_is_killed_runs_no_finalizer) {
    marker log;
    ferry::process_pool pool({.max_workers = 1, .finalizer = {append, log.path(), "end"}});
    auto f = pool.submit(sleeping, 600'000);
    wait_for_worker_of(f, pool);
    pool.kill_workers();
    BOOST_TEST(!log.touched());
}

BOOST_AUTO_TEST_CASE(a_worker_that_keeps_too_much_memory_is_replaced_after_its_task) {
    const std::size_t base = [] { // sanitizers need much
        ferry::process_pool pool(1);
        return pool.submit(resident).result();
    }();
    ferry::process_pool pool({.max_workers = 1, .max_memory_per_child = base + (100u << 20)});
    const auto grow = [](std::size_t bytes) {
        kept.assign(bytes, 'x');
        return static_cast<int>(::getpid());
    };
    const int first = pool.submit(grow, std::size_t(1) << 20).result();
    BOOST_TEST(pool.submit(pid).result() == first);
    BOOST_TEST(pool.submit(grow, std::size_t(200) << 20).result() == first);
    const int second = pool.submit(pid).result(patience);
    BOOST_TEST(second != first);
    // No task that was handed out ahead starts in one that is to be replaced.
    for (int i = 0; i < 500; ++i)
        pool.submit(pid).result(patience);
    std::vector<ferry::future<int>> all;
    for (int i = 0; i < 10; ++i) {
        all.push_back(pool.submit(pid));
        all.push_back(pool.submit(grow, std::size_t(200) << 20));
    }
    std::set<int> replaced;
    for (auto& f : all) {
        const int p = f.result(patience);
        BOOST_TEST(replaced.count(p) == 0u);
        if ((&f - all.data()) % 2 == 1)
            replaced.insert(p);
    }
    BOOST_TEST(replaced.size() == 10u);
}

BOOST_AUTO_TEST_CASE(workers_are_nicer_and_run_where_they_may) {
    const auto all = processors();
    ferry::process_pool pool({.max_workers = 1, .nice = 3, .cpus = {all.back()}});
    const int mine = ::getpriority(PRIO_PROCESS, 0);
    BOOST_TEST(pool.submit([] { return ::getpriority(PRIO_PROCESS, 0); }).result() ==
               std::min(mine + 3, 19));
    BOOST_TEST(pool.submit(processors).result() == std::vector{all.back()},
               boost::test_tools::per_element());
    BOOST_TEST(processors() == all, boost::test_tools::per_element());
    ferry::process_pool plain(1);
    BOOST_TEST(plain.submit(processors).result() == all, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_pool_has_a_name) {
    ferry::process_pool one(1), two(1), named({.max_workers = 1, .name = "thumbs"});
    BOOST_TEST(one.name().starts_with("process-"));
    BOOST_TEST(two.name().starts_with("process-"));
    BOOST_TEST(one.name() != two.name());
    BOOST_TEST(named.name() == "thumbs");
}

BOOST_AUTO_TEST_CASE(a_worker_knows_that_it_is_one) {
    BOOST_TEST(!ferry::is_worker_process());
    BOOST_TEST(!in_worker);
    ferry::process_pool pool(1);
    BOOST_TEST(pool.submit([] { return ferry::is_worker_process(); }).result());
    BOOST_TEST(pool.submit([] { return in_worker; }).result());
    BOOST_TEST(!ferry::is_worker_process());
}

BOOST_AUTO_TEST_CASE(an_option_that_cannot_be_used_is_named) {
    const auto refused = [](const char* name, ferry::process_pool_options o) {
        BOOST_CHECK_EXCEPTION(ferry::process_pool(std::move(o)), std::invalid_argument,
                              [name](const auto& e) {
                                  return std::string(e.what()).find(name) != std::string::npos;
                              });
    };
    refused("max_workers", {.max_workers = 0});
    refused("max_workers", {.max_workers = 65537});
    refused("environment", {.environment = {{"", "x"}}});
    refused("environment", {.environment = {{"a=b", "x"}}});
    refused("environment", {.environment = {{"a", std::string("x\0y", 3)}}});
    refused("working_directory", {.working_directory = std::string("/\0x", 3)});
    refused("quarantine_time", {.quarantine_time = -1ns});
    refused("nice", {.nice = -1});
    refused("nice", {.nice = 20});
    refused("cpus", {.cpus = {-1}});
    refused("cpus", {.cpus = {0, 1'000'000}});
    refused("cpus", {.cpus = {std::numeric_limits<int>::max()}});
}
