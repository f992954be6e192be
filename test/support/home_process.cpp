// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#define BOOST_TEST_MODULE home_process
#include <boost/test/unit_test.hpp>

#include "support/home_process.hpp"

#include <ferry/error.hpp>

#include <string_view>
#include <sys/wait.h>
#include <unistd.h>

using ferry::detail::home_process;

namespace {

/// What the function returns in a child of fork().
template <class F>
int in_child(F fn) {
    const int child = ::fork();
    if (child == 0)
        ::_exit(fn());
    int status = -1;
    ::waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

} // namespace

BOOST_AUTO_TEST_CASE(a_process_is_its_own_home) {
    const home_process home;
    BOOST_TEST(!home.is_elsewhere());
    BOOST_CHECK_NO_THROW(home.check());
    BOOST_TEST(in_child([] { return home_process().is_elsewhere() ? 1 : 0; }) == 0);
    BOOST_TEST(!home.is_elsewhere()); // the child has counted for itself
}

BOOST_AUTO_TEST_CASE(a_child_is_told_whose_the_pool_is) {
    constexpr std::string_view whose =
        "the pool belongs to the process that this one was forked from";
    const home_process home;
    BOOST_TEST(in_child([&] {
                   try {
                       home.check();
                   } catch (const ferry::shutdown_error& e) {
                       return home.is_elsewhere() && std::string_view(e.what()).starts_with(whose)
                                  ? 7
                                  : 1;
                   }
                   return 2;
               }) == 7);
}
