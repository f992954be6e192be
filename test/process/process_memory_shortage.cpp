// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
// Each allocation fails once: whoever asked gets an error, nothing stays without an outcome, and
// afterwards all works again.
#include <ferry/process_pool.hpp>

#include <ferry/process.hpp>

#include "helpers/failing_new.hpp"

#define BOOST_TEST_MODULE process_memory_shortage
#define BOOST_TEST_NO_MAIN
#include "helpers/process_helpers.hpp"
#include "helpers/worker_main.hpp"

#include "inside/picture.hpp"
#include "inside/recorder.hpp"

#include <algorithm>
#include <atomic>
#include <fstream>
#include <iterator>
#include <numeric>
#include <optional>

#include <fcntl.h>

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
        if (!f.wait_for(patience)) {
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
        pool.submit(cube, 1).result(patience);
        arm();
        scenario(pool);
        failing_new::left = -1;
        BOOST_TEST(pool.submit(cube, 3).result(patience) == 27);
        BOOST_TEST(pool.submit(letters, std::size_t(100'000)).result(patience).size() == 100'000u);
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

namespace {

/// The mappings of this process that it shares with workers.
std::ptrdiff_t channels() {
    std::ifstream maps("/proc/self/maps");
    return std::count_if(std::istream_iterator<std::string>(maps), {}, [](const std::string& word) {
        return word.find("ferry-channel") != std::string::npos;
    });
}

/// What is recorded of the workers of all pools.
std::size_t recorded_workers() {
    namespace detail = ferry::detail;
    const auto now = detail::take_picture(*detail::recorder::instance().layout(), 0,
                                          [](std::uint64_t) { return std::string(); });
    return std::transform_reduce(now.pools.begin(), now.pools.end(), std::size_t(0), std::plus<>(),
                                 [](const auto& pool) { return pool.workers.size(); });
}

} // namespace

BOOST_AUTO_TEST_CASE(of_a_new_pool_and_its_first_worker) {
    const std::string long_name(60, 'x'); // whose copies are allocated
    BOOST_TEST(failing_new::fail_each_allocation([&long_name](auto arm) {
                   std::optional<ferry::process_pool> pool;
                   arm();
                   try {
                       pool.emplace(ferry::process_pool_options{
                           .max_workers = 1, .environment = {{long_name, long_name}}});
                   } catch (const std::exception&) {
                   }
                   if (pool)
                       submit_and_wait(*pool, cube, 2);
                   failing_new::left = -1;
                   if (pool) {
                       BOOST_TEST(pool->submit(cube, 3).result(patience) == 27);
                       BOOST_TEST(channels() == 1);
                       BOOST_TEST(recorded_workers() == 1u);
                   }
               }) > 10);
    BOOST_TEST(channels() == 0);
}

BOOST_AUTO_TEST_CASE(of_a_task_that_throws) {
    BOOST_TEST(at_every_point([](ferry::process_pool& pool) {
                   submit_and_wait(pool, [] { throw std::out_of_range("r"); });
               }) > 0);
}

BOOST_AUTO_TEST_CASE(of_a_task_with_a_timeout_whose_worker_is_ended) {
    BOOST_TEST(at_every_point([](ferry::process_pool& pool) {
                   submit_and_wait(pool, ferry::task_options{.timeout = 1ms}, sleeping, 600'000);
                   failing_new::left = -1; // not what starts the next worker
               }) > 0);
}

BOOST_AUTO_TEST_CASE(of_a_map) {
    const std::vector numbers{1, 2, 3, 4, 5};
    BOOST_TEST(at_every_point([&](ferry::process_pool& pool) {
                   try {
                       int next = 0;
                       for (const int n : pool.map(cube, numbers))
                           BOOST_TEST(n == cube(++next));
                   } catch (const std::bad_alloc&) {
                   }
               }) > 0);
}

BOOST_AUTO_TEST_CASE(of_callbacks) {
    const marker may_end;
    const std::string path = may_end.path();
    std::atomic<int> registered = 0, called = 0;
    BOOST_TEST(at_every_point([&](ferry::process_pool& pool) {
                   ::unlink(path.c_str());
                   ferry::future<int> f;
                   try {
                       f = pool.submit(when_touched, path);
                   } catch (const std::bad_alloc&) {
                   }
                   for (int i = 0; i < 3 && f.valid(); ++i) {
                       try {
                           f.add_done_callback([&called, text = path](auto&&) { ++called; });
                           ++registered;
                       } catch (const std::bad_alloc&) {
                       }
                   }
                   ::close(::creat(path.c_str(), 0600)); // which allocates nothing
                   if (f.valid() && !f.wait_for(patience)) {
                       failing_new::left = -1;
                       BOOST_ERROR("it has no outcome");
                   }
               }) > 0);
    BOOST_TEST(called == registered);
}

BOOST_AUTO_TEST_CASE(of_a_shutdown_with_a_deadline) {
    BOOST_TEST(failing_new::fail_each_allocation([](auto arm) {
                   ferry::process_pool pool({.max_workers = 1, .kill_grace = 0s});
                   const std::string label(60, 'x');
                   auto stuck = pool.submit({.label = label}, sleeping, 600'000);
                   wait_for_worker_of(stuck, pool);
                   std::vector<ferry::future<int>> queued;
                   for (int i = 0; i < 3; ++i)
                       queued.push_back(pool.submit(cube, i));
                   arm();
                   try {
                       pool.shutdown(1ms);
                   } catch (const std::bad_alloc&) {
                   }
                   failing_new::left = -1;
                   pool.kill_workers();
                   BOOST_TEST(stuck.wait_for(patience));
                   for (const auto& f : queued)
                       BOOST_TEST(f.wait_for(patience));
               }) > 0);
}
