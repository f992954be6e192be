// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include <ferry/thread_pool.hpp>

#define BOOST_TEST_MODULE pool_options
#include <boost/test/unit_test.hpp>

#include <string>

#include <pthread.h>

using namespace ferry;
using namespace std::chrono_literals;

BOOST_AUTO_TEST_CASE(workers_have_a_stack_of_the_size_asked_for) {
    constexpr std::size_t size = 3 << 20;
    thread_pool pool(thread_pool_options{.max_workers = 1, .stack_size = size});
    const std::size_t seen = pool.submit([] {
                                     pthread_attr_t attributes;
                                     ::pthread_getattr_np(::pthread_self(), &attributes);
                                     std::size_t stack = 0;
                                     ::pthread_attr_getstacksize(&attributes, &stack);
                                     ::pthread_attr_destroy(&attributes);
                                     return stack;
                                 })
                                 .result();
    BOOST_TEST(seen >= size);
    BOOST_TEST(seen < size + (1 << 20));
}

BOOST_AUTO_TEST_CASE(a_stack_below_the_system_s_minimum_is_refused_by_name) {
    BOOST_CHECK_EXCEPTION(thread_pool(thread_pool_options{.stack_size = 1}), std::invalid_argument,
                          [](const std::invalid_argument& e) {
                              return std::string(e.what()).find("stack_size") != std::string::npos;
                          });
}

BOOST_AUTO_TEST_CASE(a_pool_has_the_name_it_was_given_or_one_of_its_own) {
    const thread_pool named(thread_pool_options{.max_workers = 1, .name = "db"});
    BOOST_TEST(named.name() == "db");
    const thread_pool one(1), other(1);
    BOOST_TEST(one.name().starts_with("thread-"));
    BOOST_TEST(one.name() != other.name());
}

BOOST_AUTO_TEST_CASE(no_spin_and_an_adaptive_one_both_run_what_comes) {
    using spin = std::optional<std::chrono::nanoseconds>;
    for (const spin s : {spin(), spin(0ns), spin(-1ns), spin(10us)}) {
        thread_pool pool(thread_pool_options{.max_workers = 2, .spin = s});
        for (int i = 0; i < 100; ++i)
            BOOST_TEST(pool.submit([i] { return i; }).result() == i);
    }
}
