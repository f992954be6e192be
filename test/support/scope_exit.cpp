// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include <ferry/detail/scope_exit.hpp>

#define BOOST_TEST_MODULE scope_exit
#include <boost/test/unit_test.hpp>

#include <stdexcept>
#include <type_traits>

using ferry::detail::scope_exit;

static_assert(!std::is_copy_constructible_v<scope_exit<void (*)()>>);
static_assert(!std::is_move_constructible_v<scope_exit<void (*)()>>);

BOOST_AUTO_TEST_CASE(the_function_is_called_once_at_the_end) {
    int calls = 0;
    {
        const scope_exit at_end([&] { ++calls; });
        BOOST_TEST(calls == 0);
    }
    BOOST_TEST(calls == 1);
}

BOOST_AUTO_TEST_CASE(an_exception_that_leaves_the_scope_calls_it_too) {
    int calls = 0;
    const auto fails = [&] {
        const scope_exit at_end([&] { ++calls; });
        throw std::runtime_error("failed");
    };
    BOOST_CHECK_THROW(fails(), std::runtime_error);
    BOOST_TEST(calls == 1);
}
