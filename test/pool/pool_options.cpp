// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include <ferry/thread_pool.hpp>

#define BOOST_TEST_MODULE pool_options
#include <boost/test/unit_test.hpp>

#include <chrono>
#include <optional>
#include <string>
#include <thread>

#include <pthread.h>
#include <time.h>

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

namespace {

/// The clock of the processor time that the calling thread uses, for any thread to read.
clockid_t own_clock() {
    clockid_t c{};
    ::pthread_getcpuclockid(::pthread_self(), &c);
    return c;
}
std::chrono::nanoseconds used(clockid_t c) {
    timespec t{};
    ::clock_gettime(c, &t);
    return std::chrono::seconds(t.tv_sec) + std::chrono::nanoseconds(t.tv_nsec);
}
/// Whether its thread comes to use none for a while; one that spins does again and again.
bool comes_to_rest(clockid_t c) {
    const auto end = std::chrono::steady_clock::now() + 15s;
    while (std::chrono::steady_clock::now() < end) {
        const auto before = used(c);
        std::this_thread::sleep_for(300ms); // nothing tells that nothing happens
        if (used(c) == before)
            return true;
    }
    return false;
}

} // namespace

// Also after a stream of tasks, and after one that came as soon as it slept.
BOOST_AUTO_TEST_CASE(a_worker_spins_only_for_as_long_as_it_was_told_to) {
    using spin = std::optional<std::chrono::nanoseconds>;
    for (const spin s : {spin(), spin(0ns), spin(-1ns), spin(10us)}) {
        thread_pool pool(thread_pool_options{.max_workers = 1, .spin = s});
        const clockid_t worker = pool.submit(own_clock).result();
        BOOST_TEST(comes_to_rest(worker));
        for (int i = 0; i < 300; ++i)
            pool.submit([] {}).result();
        BOOST_TEST(comes_to_rest(worker));
    }
    thread_pool pool(thread_pool_options{.max_workers = 1, .spin = 1h});
    const clockid_t worker = pool.submit(own_clock).result();
    const auto before = used(worker);
    const auto end = std::chrono::steady_clock::now() + 1min;
    while (used(worker) - before < 20ms && std::chrono::steady_clock::now() < end)
        std::this_thread::yield();
    BOOST_TEST((used(worker) - before >= 20ms));
}
