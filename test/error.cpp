// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include <ferry/error.hpp>

#define BOOST_TEST_MODULE error
#include <boost/test/unit_test.hpp>

using namespace ferry;

template <class Base, class... E>
constexpr bool base_of = (std::is_base_of_v<Base, E> && ...);

// CF-FUT-17
static_assert(base_of<boost::system::system_error, cancelled_error, timeout_error,
                      invalid_state_error, no_state_error, broken_promise, shutdown_error,
                      queue_full_error, would_deadlock, broken_executor, exception_group>);
static_assert(base_of<broken_executor, broken_thread_pool, broken_process_pool>);
static_assert(base_of<broken_process_pool, worker_died>);
static_assert(base_of<std::runtime_error, broken_executor>);  // CF-BRK-28
static_assert(!std::is_base_of_v<timeout_error, cancelled_error>); // CF-CAN-04

BOOST_AUTO_TEST_CASE(a_cancellation_has_the_code_that_asio_uses) {
    BOOST_TEST((cancelled_error().code() == boost::asio::error::operation_aborted));
    BOOST_TEST((cancelled_error().code() == condition::cancelled));
}

BOOST_AUTO_TEST_CASE(codes_fall_into_conditions) {
    BOOST_TEST((timeout_error().code() == condition::timed_out));
    BOOST_TEST((shutdown_error().code() == condition::rejected));
    BOOST_TEST((queue_full_error().code() == condition::rejected));
    BOOST_TEST((circuit_open_error().code() == condition::rejected));
    BOOST_TEST((broken_thread_pool().code() == condition::broken));
    BOOST_TEST((timeout_error().code() != condition::broken));
}

BOOST_AUTO_TEST_CASE(a_timeout_over_many_tells_how_many) { // CF-ASC-07
    const timeout_error e(2, 4);
    BOOST_TEST(e.unfinished() == 2u);
    BOOST_TEST(e.total() == 4u);
    BOOST_TEST(std::string(e.what()).find("2 of 4") != std::string::npos);
}
