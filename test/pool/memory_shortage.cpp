// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
// Each allocation of a pool fails once: whoever asked gets an error or an outcome, and afterwards
// all works. A hang is found by the time limit of the test, a leak by AddressSanitizer.
#include <ferry/ferry.hpp>

#include "helpers/failing_new.hpp"
#include "helpers/gate.hpp"

#define BOOST_TEST_MODULE memory_shortage
#include <boost/test/unit_test.hpp>

#include <boost/asio/bind_executor.hpp>
#include <boost/asio/io_context.hpp>

#include <array>
#include <atomic>
#include <optional>
#include <vector>

namespace asio = boost::asio;
using namespace ferry;
using namespace std::chrono_literals;
using failing_new::fail_each_allocation;

namespace {

int cube(int x) { return x * x * x; }

// Runs it; a shortage may come out of it.
template <class F>
void attempt(F f) {
    try {
        f();
    } catch (const std::bad_alloc&) {
    }
}

// Waits; a shortage may be the outcome.
template <class T>
void expect_end(const future<T>& f) {
    if (f.valid())
        f.wait();
}

// Runs the coroutine; whatever it throws may come of a shortage.
void attempt_to_run(auto make) {
    try {
        run(make());
    } catch (const std::exception&) {
    }
}

asio::awaitable<void> opens(gate& g) {
    g.open();
    co_return;
}
asio::awaitable<void> stands_in_line(thread_pool& pool, gate& go) {
    co_await gather(run_in_executor(pool, cube, 3), opens(go));
}
asio::awaitable<void> leaves_a_call(thread_pool& pool, gate& go) {
    const auto until_open = [&go] { go.pass(); };
    try {
        co_await wait_for(run_in_executor(pool, until_open), 1ms);
    } catch (const timeout_error&) {
    }
}
asio::awaitable<void> shields(thread_pool& pool) {
    co_await shield(run_in_executor(pool, cube, 3));
}

const std::string long_label(60, 'x');

} // namespace

BOOST_AUTO_TEST_CASE(of_a_new_pool) {
    const long points = fail_each_allocation([](auto arm) {
        std::optional<thread_pool> pool;
        future<int> a, b;
        arm();
        attempt([&] { pool.emplace(2); });
        if (pool) {
            attempt([&] { a = pool->submit(cube, 1); });
            attempt([&] { b = pool->submit(cube, 2); });
        }
        expect_end(a);
        expect_end(b);
        failing_new::left = -1;
        if (pool)
            BOOST_TEST(pool->submit(cube, 3).result() == 27);
    });
    BOOST_TEST(points > 5);
}

BOOST_AUTO_TEST_CASE(of_a_pool_with_workers) {
    thread_pool pool(2);
    pool.submit(cube, 1).result();
    const auto all_points = [&](auto make) {
        return fail_each_allocation([&](auto arm) {
            std::vector<future<int>> futures;
            futures.reserve(8);
            arm();
            for (int i = 0; i < 4; ++i)
                attempt([&] { futures.push_back(make(i)); });
            for (const auto& f : futures)
                expect_end(f);
            failing_new::left = -1;
            BOOST_TEST(pool.submit(cube, 3).result() == 27);
        });
    };
    // A small task has its memory from a slab that is there already.
    static_cast<void>(all_points([&](int i) { return pool.submit(cube, i); }));
    const std::array<char, 300> large{};
    BOOST_TEST(all_points([&](int i) { return pool.submit([i, large] { return i + large[0]; }); }) >
               0);
    BOOST_TEST(all_points([&](int i) { return pool.submit({.priority = i}, cube, i); }) > 0);
    BOOST_TEST(all_points([&](int i) {
                   return pool.submit({.label = long_label, .timeout = 1h}, cube, i);
               }) > 0);
    BOOST_TEST(all_points([&](int i) {
                   return pool.submit({.label = long_label, .timeout = 1ms},
                                      [i](std::stop_token stop) {
                                          while (!stop.stop_requested())
                                              std::this_thread::yield();
                                          return i;
                                      });
               }) > 0);
    BOOST_TEST(all_points([&](int i) -> future<int> {
                   auto f = pool.submit(cube, i);
                   f.add_done_callback([text = long_label](auto) {});
                   return f;
               }) > 0);
    BOOST_TEST(all_points([&](int i) {
                   return pool.submit(
                       [i]() -> int { throw std::runtime_error(std::to_string(i)); });
               }) > 0);
    const auto strand = boost::asio::make_strand(pool.get_executor());
    BOOST_TEST(all_points([&](int i) { return submit(strand, cube, i); }) > 0);
    BOOST_TEST(all_points([&](int i) {
                   return submit(task_options{.label = long_label,
                                              .timeout = 1h,
                                              .start_by = std::chrono::steady_clock::now() + 1h},
                                 strand, cube, i);
               }) > 0);
}

BOOST_AUTO_TEST_CASE(of_tasks_that_expire_in_the_queue) {
    thread_pool pool(1);
    BOOST_TEST(
        fail_each_allocation([&](auto arm) {
            gate go;
            auto blocker = pool.submit([&] { go.pass(); });
            future<int> f;
            arm();
            attempt([&] {
                f = pool.submit(
                    {.label = long_label, .start_by = std::chrono::steady_clock::now() + 1ms},
                    [text = long_label] { return static_cast<int>(text.size()); });
            });
            expect_end(f);
            failing_new::left = -1;
            go.open();
            blocker.result();
        }) > 0);
}

BOOST_AUTO_TEST_CASE(of_a_shutdown_with_a_deadline) {
    BOOST_TEST(fail_each_allocation([&](auto arm) {
                   gate go, inside;
                   thread_pool pool(1);
                   auto stuck = pool.submit({.label = long_label}, [&] {
                       inside.open();
                       go.pass();
                   });
                   inside.pass();
                   std::vector<future<int>> queued;
                   for (int i = 0; i < 3; ++i)
                       queued.push_back(pool.submit(cube, i));
                   arm();
                   attempt([&] { pool.shutdown(1ms); });
                   failing_new::left = -1;
                   go.open();
                   expect_end(stuck);
                   for (const auto& f : queued)
                       expect_end(f);
               }) > 0);
}

BOOST_AUTO_TEST_CASE(of_an_initializer_that_fails) {
    BOOST_TEST(fail_each_allocation([&](auto arm) {
                   gate go;
                   thread_pool pool(thread_pool_options{.max_workers = 1, .initializer = [&] {
                                                            go.pass();
                                                            throw std::runtime_error(long_label);
                                                        }});
                   const auto strand = boost::asio::make_strand(pool.get_executor());
                   std::vector futures{pool.submit(cube, 1), submit(strand, cube, 2)};
                   arm();
                   go.open();
                   for (const auto& f : futures)
                       expect_end(f);
                   failing_new::left = -1;
                   for (auto& f : futures)
                       BOOST_CHECK_THROW(std::rethrow_exception(f.exception()), std::exception);
               }) > 0);
}

BOOST_AUTO_TEST_CASE(of_waiting_for_several) {
    thread_pool pool(2);
    BOOST_TEST(fail_each_allocation([&](auto arm) {
                   std::vector<future<int>> futures;
                   for (int i = 0; i < 4; ++i)
                       futures.push_back(pool.submit(cube, i));
                   arm();
                   attempt([&] {
                       for (auto&& f : as_completed(futures, 1h))
                           (void)f;
                   });
                   attempt([&] { wait(futures); });
                   attempt([&] {
                       for (const int x : pool.map({.buffersize = 2}, cube, std::vector{1, 2, 3}))
                           (void)x;
                   });
                   failing_new::left = -1;
                   for (const auto& f : futures)
                       expect_end(f);
               }) > 0);
}

BOOST_AUTO_TEST_CASE(of_promises) {
    BOOST_TEST(fail_each_allocation([](auto arm) {
                   future<std::string> f;
                   int called = 0, added = 0;
                   arm();
                   attempt([&] {
                       promise<std::string> p;
                       f = p.get_future();
                       f.add_done_callback([&, text = long_label](auto) { ++called; });
                       added = 1;
                       p.set_value(long_label);
                   });
                   failing_new::left = -1;
                   BOOST_TEST((!f.valid() || f.done()));
                   BOOST_TEST(called == added);
               }) > 0);
}

BOOST_AUTO_TEST_CASE(of_callbacks) {
    std::atomic<int> registered{0}, called{0};
    {
        thread_pool pool(2);
        pool.submit(cube, 1).result();
        BOOST_TEST(fail_each_allocation([&](auto arm) {
                       gate go;
                       auto f = pool.submit([&go] { go.pass(); });
                       arm();
                       for (int i = 0; i < 4; ++i) {
                           attempt([&] {
                               f.add_done_callback(
                                   [&called, text = long_label](auto) { ++called; });
                               ++registered;
                           });
                       }
                       go.open();
                       expect_end(f);
                       failing_new::left = -1;
                   }) > 0);
    }
    BOOST_TEST(called == registered);
}

BOOST_AUTO_TEST_CASE(of_a_full_queue) {
    for (const auto when : {when_full::block, when_full::reject}) {
        BOOST_TEST(fail_each_allocation([&](auto arm) {
                       gate go, inside;
                       thread_pool pool(thread_pool_options{
                           .max_workers = 1, .max_queue = 1, .when_full = when});
                       auto runs = pool.submit([&] {
                           inside.open();
                           go.pass();
                       });
                       inside.pass();
                       auto queued = pool.submit(cube, 2);
                       arm();
                       attempt_to_run([&] { return stands_in_line(pool, go); });
                       failing_new::left = -1;
                       go.open();
                       BOOST_TEST(queued.result() == 8);
                       runs.result();
                       pool.shutdown();
                       BOOST_TEST(pool.stats().queued == 0u);
                   }) > 0);
    }
}

BOOST_AUTO_TEST_CASE(of_a_call_that_is_left_to_itself) {
    BOOST_TEST(fail_each_allocation([](auto arm) {
                   gate go;
                   thread_pool pool(1);
                   pool.submit(cube, 1).result();
                   arm();
                   attempt_to_run([&] { return leaves_a_call(pool, go); });
                   failing_new::left = -1;
                   go.open();
                   BOOST_TEST(pool.submit(cube, 3).result() == 27);
               }) > 0);
}

BOOST_AUTO_TEST_CASE(of_a_shield) {
    thread_pool pool(1);
    pool.submit(cube, 1).result();
    BOOST_TEST(fail_each_allocation([&](auto arm) {
                   arm();
                   attempt_to_run([&] { return shields(pool); });
                   failing_new::left = -1;
                   BOOST_TEST(pool.submit(cube, 3).result() == 27);
               }) > 0);
}

BOOST_AUTO_TEST_CASE(of_futures_of_operations) {
    thread_pool pool(1);
    pool.submit(cube, 1).result();
    // One that is there: a shortage while Asio makes a strand ends the program.
    const auto token = asio::bind_executor(asio::make_strand(pool.get_executor()), use_future);
    BOOST_TEST(fail_each_allocation([&](auto arm) {
                   future<int> f;
                   arm();
                   attempt([&] { f = async_invoke(pool, [] { return 7; }, token); });
                   expect_end(f);
                   failing_new::left = -1;
                   BOOST_TEST(pool.submit(cube, 3).result() == 27);
               }) > 0);
}

BOOST_AUTO_TEST_CASE(of_handlers_that_wait_for_a_future) {
    thread_pool pool(1);
    pool.submit(cube, 1).result();
    BOOST_TEST(
        fail_each_allocation([&](auto arm) {
            gate go;
            asio::io_context io;
            auto f = pool.submit([&go] { go.pass(); });
            int registered = 0, called = 0;
            arm();
            for (int i = 0; i < 3; ++i) {
                attempt([&] {
                    f.async_wait(asio::bind_executor(
                        io, [&called, text = long_label](boost::system::error_code) { ++called; }));
                    ++registered;
                });
            }
            go.open();
            expect_end(f);
            attempt([&] { io.run(); });
            failing_new::left = -1;
            io.restart();
            io.run();
            BOOST_TEST(called == registered);
        }) > 0);
}
