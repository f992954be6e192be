// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include <ferry/detail/caught_or_unwind.hpp>

#define BOOST_TEST_MODULE caught_or_unwind
#include <boost/test/unit_test.hpp>

#include <thread>

#include <pthread.h>

using ferry::detail::caught_or_unwind;

BOOST_AUTO_TEST_CASE(an_exception_of_any_type_is_returned) {
    std::exception_ptr caught;
    try {
        throw 42;
    } catch (...) {
        caught = caught_or_unwind();
    }
    BOOST_REQUIRE(caught != nullptr);
    BOOST_CHECK_THROW(std::rethrow_exception(caught), int);
}

BOOST_AUTO_TEST_CASE(a_thread_that_is_ended_goes_on_unwinding) {
    bool unwound = false;
    bool went_on = false;
    std::thread([&] {
        struct noting {
            bool& noted;
            ~noting() { noted = true; }
        } const outside{unwound};
        try {
            ::pthread_exit(nullptr);
        } catch (...) {
            static_cast<void>(caught_or_unwind());
            went_on = true;
        }
        went_on = true;
    }).join();
    BOOST_TEST(unwound);
    BOOST_TEST(!went_on);
}
