// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
// Where main() belongs to the test framework, a global fixture begins the worker.
#include <ferry/process.hpp>

#define BOOST_TEST_MODULE boost_main
#include <boost/test/unit_test.hpp>

#include "helpers/crashed.hpp"

#include <csignal>

struct worker_fixture {
    worker_fixture() { ferry::run_worker_if_spawned(); }
};
BOOST_TEST_GLOBAL_FIXTURE(worker_fixture);

BOOST_AUTO_TEST_CASE(a_pool_works_with_the_frameworks_own_main) {
    ferry::process_pool pool(2);
    BOOST_TEST(pool.submit([](int n) { return n + 1; }, 41).result() == 42);
}

BOOST_AUTO_TEST_CASE(the_frameworks_signal_handlers_do_not_catch_a_workers_crash) {
    ferry::process_pool pool(1);
    try {
        pool.submit([] { ::raise(SIGSEGV); }).result();
        BOOST_ERROR("expected worker_died");
    } catch (const ferry::worker_died& e) {
        BOOST_TEST(crashed_by(e, SIGSEGV));
    }
}
