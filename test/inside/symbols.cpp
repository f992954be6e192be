// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include "inside/symbols.hpp"

#define BOOST_TEST_MODULE symbols
#include <boost/test/unit_test.hpp>

#include <cstdio>
#include <sstream>
#include <string>

namespace {

[[gnu::noinline]] int a_static_function(int n) {
    asm volatile("" : "+r"(n));
    return n + 1;
}

} // namespace

BOOST_AUTO_TEST_CASE(a_static_function_has_a_name) {
    const auto name =
        ferry::detail::name_of_function(reinterpret_cast<const void*>(&a_static_function));
    BOOST_TEST(name == "(anonymous namespace)::a_static_function(int)");
}

BOOST_AUTO_TEST_CASE(a_function_of_a_shared_library_has_a_name) {
    const auto name = ferry::detail::name_of_function(reinterpret_cast<const void*>(&::puts));
    BOOST_TEST(name.find("puts") != std::string::npos, name);
}

BOOST_AUTO_TEST_CASE(an_address_that_is_nowhere_has_none) {
    void* const address = reinterpret_cast<void*>(0x10);
    const auto frames = ferry::detail::symbolise({&address, 1});
    BOOST_REQUIRE(frames.size() == 1);
    BOOST_TEST(frames[0].symbol.empty());
    BOOST_TEST(frames[0].module.empty());
    std::ostringstream text;
    text << std::dec << frames[0];
    BOOST_TEST(text.str() == "0x10");
}

BOOST_AUTO_TEST_CASE(a_frame_is_printed_with_its_module) {
    std::ostringstream text;
    text << ferry::stack_frame{"/usr/bin/server", "load(int)", 0x1c};
    BOOST_TEST(text.str() == "load(int) at /usr/bin/server+0x1c");
}
