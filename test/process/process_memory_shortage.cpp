// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
// Each allocation fails once: whoever asked gets an error, nothing stays without an outcome, and
// afterwards all works again.
#include <ferry/process_pool.hpp>

#include "helpers/failing_new.hpp"

#define BOOST_TEST_MODULE process_memory_shortage
#define BOOST_TEST_NO_MAIN
#include "helpers/process_helpers.hpp"
#include "helpers/worker_main.hpp"

#include <optional>

using namespace std::chrono_literals;

namespace {

int cube(int n) { return n * n * n; }
std::vector<char> letters(std::size_t n) { return std::vector<char>(n, 'r'); }
std::size_t length(const std::string& s) { return s.size(); }

/// Submits; the future, if there is one, ends.
template <class... A>
void submit_and_wait(ferry::process_pool& pool, A&&... a) {
    try {
        auto f = pool.submit(std::forward<A>(a)...);
        if (!f.wait_for(60s)) {
            failing_new::left = -1;
            BOOST_ERROR("it has no outcome");
        }
    } catch (const std::bad_alloc&) {
    }
}

/// Runs the scenario with each of its allocations failing in turn. Returns the number of them.
template <class Scenario>
long at_every_point(Scenario scenario) {
    return failing_new::fail_each_allocation([&](auto arm) {
        ferry::process_pool pool(1);
        pool.submit(cube, 1).result(60s);
        arm();
        scenario(pool);
        failing_new::left = -1;
        BOOST_TEST(pool.submit(cube, 3).result(60s) == 27);
        BOOST_TEST(pool.submit(letters, std::size_t(100'000)).result(60s).size() == 100'000u);
    });
}

} // namespace

BOOST_AUTO_TEST_CASE(of_a_small_task) {
    BOOST_TEST(at_every_point([](ferry::process_pool& pool) {
                   submit_and_wait(pool, cube, 2);
                   submit_and_wait(pool, cube, 3);
               }) > 0);
}

BOOST_AUTO_TEST_CASE(of_a_large_result_and_a_large_argument) {
    const std::string text(300'000, 'x');
    BOOST_TEST(at_every_point([&](ferry::process_pool& pool) {
                   submit_and_wait(pool, letters, std::size_t(200'000));
                   submit_and_wait(pool, length, text);
               }) > 0);
}

BOOST_AUTO_TEST_CASE(of_a_new_pool_and_its_first_worker) {
    BOOST_TEST(failing_new::fail_each_allocation([](auto arm) {
                   std::optional<ferry::process_pool> pool;
                   arm();
                   try {
                       pool.emplace(1);
                   } catch (const std::exception&) {
                   }
                   if (pool)
                       submit_and_wait(*pool, cube, 2);
                   failing_new::left = -1;
                   if (pool)
                       BOOST_TEST(pool->submit(cube, 3).result(60s) == 27);
               }) > 10);
}

BOOST_AUTO_TEST_CASE(of_a_task_that_throws) {
    BOOST_TEST(at_every_point([](ferry::process_pool& pool) {
                   submit_and_wait(pool, [] { throw std::out_of_range("r"); });
               }) > 0);
}

BOOST_AUTO_TEST_CASE(of_a_task_with_a_timeout_whose_worker_is_ended) {
    BOOST_TEST(at_every_point([](ferry::process_pool& pool) {
                   submit_and_wait(pool, ferry::task_options{.timeout = 1ms}, sleeping, 60'000);
                   failing_new::left = -1; // not what starts the next worker
               }) > 0);
}
