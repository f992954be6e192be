// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
// The n-th allocation fails, for every n: whoever asked gets an error, nothing stays without an
// outcome, and afterwards all works again.
#include <ferry/process_pool.hpp>

#define BOOST_TEST_MODULE memory_shortage
#define BOOST_TEST_NO_MAIN
#include "../process_helpers.hpp"
#include "../worker_main.hpp"

#include <atomic>
#include <cstdlib>
#include <new>

using namespace std::chrono_literals;

namespace {

std::atomic<long> allocations_left = -1; // negative: no end
std::atomic<bool> failed = false;

void* allocate(std::size_t size) {
    if (allocations_left.load(std::memory_order_relaxed) >= 0 &&
        allocations_left.fetch_sub(1) == 0) {
        failed = true;
        throw std::bad_alloc();
    }
    if (void* const p = std::malloc(size != 0 ? size : 1))
        return p;
    throw std::bad_alloc();
}

int cube(int n) { return n * n * n; }
std::vector<char> letters(std::size_t n) { return std::vector<char>(n, 'r'); }

/// Runs the scenario with each of its allocations failing in turn.
template <class Scenario>
void at_every_point(Scenario scenario) {
    for (long n = 0;; ++n) {
        BOOST_TEST_CONTEXT("allocation " << n) {
            ferry::process_pool pool(1);
            pool.submit(cube, 1).result(20s);
            failed = false;
            allocations_left = n;
            scenario(pool);
            const bool reached = failed;
            allocations_left = -1;
            BOOST_TEST(pool.submit(cube, 3).result(20s) == 27);
            BOOST_TEST(pool.submit(letters, std::size_t(100'000)).result(20s).size() == 100'000u);
            if (!reached)
                return;
            BOOST_REQUIRE(n < 1000);
        }
    }
}

/// Submits; the future, if there is one, ends.
template <class... A>
void submit_and_wait(ferry::process_pool& pool, A&&... a) {
    try {
        auto f = pool.submit(std::forward<A>(a)...);
        if (!f.wait_for(20s)) {
            allocations_left = -1;
            BOOST_ERROR("it has no outcome");
        }
    } catch (const std::bad_alloc&) {
    }
}

} // namespace

void* operator new(std::size_t size) { return allocate(size); }
void* operator new[](std::size_t size) { return allocate(size); }
void operator delete(void* p) noexcept { std::free(p); }
void operator delete[](void* p) noexcept { std::free(p); }
void operator delete(void* p, std::size_t) noexcept { std::free(p); }
void operator delete[](void* p, std::size_t) noexcept { std::free(p); }

BOOST_AUTO_TEST_CASE(of_a_small_task) {
    at_every_point([](ferry::process_pool& pool) {
        submit_and_wait(pool, cube, 2);
        submit_and_wait(pool, cube, 3);
    });
}

BOOST_AUTO_TEST_CASE(of_a_large_result_and_a_large_argument) {
    const std::string text(300'000, 'x');
    at_every_point([](ferry::process_pool& pool) {
        submit_and_wait(pool, letters, std::size_t(200'000));
    });
    at_every_point([&](ferry::process_pool& pool) {
        submit_and_wait(pool, [](const std::string& s) { return s.size(); }, text);
    });
}

BOOST_AUTO_TEST_CASE(of_a_task_that_throws) {
    at_every_point([](ferry::process_pool& pool) {
        submit_and_wait(pool, [] { throw std::out_of_range("r"); });
    });
}

BOOST_AUTO_TEST_CASE(of_a_task_with_a_time_out_whose_worker_is_ended) {
    at_every_point([](ferry::process_pool& pool) {
        submit_and_wait(pool, ferry::task_options{.timeout = 1ms}, sleeping, 60'000);
        allocations_left = -1; // what starts the next worker is not looked at here
    });
}
