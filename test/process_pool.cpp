// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include <ferry/process_pool.hpp>

#include <ferry/ferry.hpp>
#include <ferry/process.hpp>

#define BOOST_TEST_MODULE process_pool
#define BOOST_TEST_NO_MAIN
#include "worker_main.hpp"

#include <unistd.h>

using namespace std::chrono_literals;

namespace {

int triple(int n) {
    return 3 * n;
}

} // namespace

BOOST_AUTO_TEST_CASE(a_call_runs_in_another_process) { // CF-SUB-01
    ferry::process_pool pool(2);
    BOOST_TEST(pool.submit(triple, 14).result() == 42);
    BOOST_TEST(pool.submit([] { return ::getpid(); }).result() != ::getpid());
}
