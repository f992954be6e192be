// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
// One suite for all pools: here for the pool of threads and the pool of processes.
#include <ferry/ferry.hpp>
#include <ferry/process.hpp>

#define BOOST_TEST_MODULE conformance_pools
#define BOOST_TEST_NO_MAIN
#include "helpers/process_helpers.hpp"
#include "helpers/worker_main.hpp"

#include <boost/mpl/list.hpp>

using namespace std::chrono_literals;

namespace {

using pools = boost::mpl::list<ferry::thread_pool, ferry::process_pool>;
using pools_that_start_workers = pools;

} // namespace

#include "pool_cases.hpp"
