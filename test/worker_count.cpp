// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include <ferry/thread_pool.hpp>

#define BOOST_TEST_MODULE worker_count
#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <cstdlib>

#include <sched.h>
#include <sys/resource.h>

using namespace ferry;

BOOST_AUTO_TEST_CASE(by_default_there_are_a_few_workers_more_than_cpus) { // CF-TP-01
    const auto workers_for = [](const char* cpus) {
        ::setenv("FERRY_CPUS", cpus, 1);
        return thread_pool().max_workers();
    };
    BOOST_TEST(workers_for("1") == 5u);
    BOOST_TEST(workers_for("27") == 31u);
    BOOST_TEST(workers_for("29") == 32u);
    ::unsetenv("FERRY_CPUS");
    BOOST_TEST(thread_pool().max_workers() == std::min<std::size_t>(32, cpu_bound_workers() + 4));
}

BOOST_AUTO_TEST_CASE(nonsense_in_the_environment_is_ignored) { // CF-PP-03
    const auto cpus = cpu_bound_workers();
    for (const char* text : {"", "0", "-1", "2x", "99999999999999999999"}) {
        ::setenv("FERRY_CPUS", text, 1);
        BOOST_TEST(cpu_bound_workers() == cpus);
    }
    ::unsetenv("FERRY_CPUS");
}

BOOST_AUTO_TEST_CASE(affinity_counts) { // CF-TP-01 CF-PP-03
    cpu_set_t before, one;
    BOOST_REQUIRE(::sched_getaffinity(0, sizeof before, &before) == 0);
    int first = 0;
    while (!CPU_ISSET(first, &before))
        ++first;
    CPU_ZERO(&one);
    CPU_SET(first, &one);
    BOOST_REQUIRE(::sched_setaffinity(0, sizeof one, &one) == 0);
    BOOST_TEST(cpu_bound_workers() == 1u);
    BOOST_TEST(io_bound_workers() == 5u);
    BOOST_REQUIRE(::sched_setaffinity(0, sizeof before, &before) == 0);
}

// UndefinedBehaviorSanitizer needs a descriptor to look at an object.
#if !defined(__SANITIZE_ADDRESS__)
BOOST_AUTO_TEST_CASE(files_that_cannot_be_read_set_no_limit) { // CF-PP-02
    const auto cpus = cpu_bound_workers();
    rlimit before{};
    BOOST_REQUIRE(::getrlimit(RLIMIT_NOFILE, &before) == 0);
    const rlimit none{.rlim_cur = 0, .rlim_max = before.rlim_max};
    BOOST_REQUIRE(::setrlimit(RLIMIT_NOFILE, &none) == 0);
    const auto without_files = cpu_bound_workers();
    const int answer = thread_pool().submit([] { return 42; }).result();
    BOOST_REQUIRE(::setrlimit(RLIMIT_NOFILE, &before) == 0);
    BOOST_TEST(without_files >= cpus);
    BOOST_TEST(answer == 42);
}
#endif
