// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <ferry/process/run_worker_if_spawned.hpp>

#include <boost/test/unit_test.hpp>

/// The main function of tests with a process pool; define BOOST_TEST_NO_MAIN before Boost.Test.
int main(int argc, char** argv) {
    ferry::run_worker_if_spawned();
    return boost::unit_test::unit_test_main(init_unit_test, argc, argv);
}
