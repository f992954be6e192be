// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#define BOOST_TEST_MODULE process_phase
#include <boost/test/unit_test.hpp>

#include "process/process_phase.hpp"

#include <ferry/error.hpp>

#include <string>

using ferry::detail::process_phase;

namespace {

std::string text_of(const std::exception_ptr& error) {
    try {
        std::rethrow_exception(error);
    } catch (const ferry::broken_process_pool& e) {
        return e.what();
    }
}

} // namespace

BOOST_AUTO_TEST_CASE(an_open_pool_takes_tasks_and_starts_them) {
    const process_phase p;
    BOOST_CHECK_NO_THROW(p.check_open());
    BOOST_TEST(!p.is_closed());
    BOOST_TEST(!p.is_broken());
    BOOST_TEST(p.starts_tasks());
}

BOOST_AUTO_TEST_CASE(a_closed_pool_starts_what_it_has_until_that_is_cancelled) {
    process_phase p;
    p.close(false);
    BOOST_CHECK_THROW(p.check_open(), ferry::shutdown_error);
    BOOST_TEST(p.is_closed());
    BOOST_TEST(p.starts_tasks());
    p.close(true);
    BOOST_TEST(!p.starts_tasks());
    p.close(false); // does not take that back
    BOOST_TEST(!p.starts_tasks());
    BOOST_TEST(!p.is_broken());
}

BOOST_AUTO_TEST_CASE(a_broken_pool_says_why_even_when_it_is_closed_then) {
    process_phase p;
    p.break_for("no worker starts");
    BOOST_TEST(p.is_broken());
    BOOST_TEST(p.is_closed());
    BOOST_TEST(!p.starts_tasks());
    p.close(true);
    BOOST_CHECK_THROW(p.check_open(), ferry::broken_process_pool);
    BOOST_TEST(text_of(p.error()).find("no worker starts") != std::string::npos);
}
