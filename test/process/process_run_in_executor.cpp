// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include <ferry/process/run_in_executor.hpp>

#include <ferry/ferry.hpp>
#include <ferry/process.hpp>

#define BOOST_TEST_MODULE process_run_in_executor
#define BOOST_TEST_NO_MAIN
#include "helpers/process_helpers.hpp"
#include "helpers/worker_main.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/use_future.hpp>

#include <stop_token>

namespace asio = boost::asio;
using namespace std::chrono_literals;

namespace {

int stops_when_asked(std::stop_token stop, const std::string& started) {
    touch(started);
    while (!stop.stop_requested())
        ::usleep(1000);
    return 1;
}
int hears_nothing(std::stop_token, const std::string& started) {
    touch(started);
    return sleeping_stubbornly(600'000);
}

} // namespace

BOOST_AUTO_TEST_CASE(a_coroutine_awaits_a_call_in_another_process) { // CF-ASY-02
    ferry::process_pool pool(1);
    const auto [three, size, pid] =
        ferry::run([](ferry::process_pool& p) -> asio::awaitable<std::tuple<int, int, int>> {
            const auto thread = std::this_thread::get_id();
            const int a = co_await ferry::run_in_executor(p, triple, 1);
            const int b = co_await ferry::run_in_executor(
                p, [](const std::string& s) { return static_cast<int>(s.size()); }, "four");
            const int c =
                co_await ferry::run_in_executor(p, [] { return static_cast<int>(::getpid()); });
            BOOST_TEST((thread == std::this_thread::get_id()));
            co_return std::tuple(a, b, c);
        }(pool));
    BOOST_TEST(three == 3);
    BOOST_TEST(size == 4);
    BOOST_TEST(pid != ::getpid());
}

BOOST_AUTO_TEST_CASE(it_resumes_on_its_own_strand_also_after_an_exception) {
    ferry::process_pool pool(1);
    asio::io_context context;
    auto strand = asio::make_strand(context);
    bool caught = false;
    asio::co_spawn(
        strand,
        [](ferry::process_pool& p, asio::strand<asio::io_context::executor_type> s,
           bool& c) -> asio::awaitable<void> {
            try {
                co_await ferry::run_in_executor(p, [] { throw std::out_of_range("far"); });
            } catch (const std::out_of_range&) {
                c = s.running_in_this_thread();
            }
        }(pool, strand, caught),
        asio::detached);
    context.run();
    BOOST_TEST(caught);
}

BOOST_AUTO_TEST_CASE(a_call_that_dies_throws_worker_died_at_the_await) {
    ferry::process_pool pool(1);
    BOOST_CHECK_THROW(ferry::run([](ferry::process_pool& p) -> asio::awaitable<void> {
                          co_await ferry::run_in_executor(p, [] { ::abort(); });
                      }(pool)),
                      ferry::worker_died);
}

BOOST_AUTO_TEST_CASE(a_timeout_ends_the_call_and_its_worker_is_replaced) {
    ferry::process_pool pool({.max_workers = 1, .kill_grace = 100ms});
    const auto started = std::chrono::steady_clock::now();
    ferry::run([](ferry::process_pool& p) -> asio::awaitable<void> {
        bool late = false;
        try {
            co_await ferry::wait_for(ferry::run_in_executor(p, sleeping_stubbornly, 600'000),
                                     200ms);
        } catch (const ferry::timeout_error&) {
            late = true;
        }
        BOOST_TEST(late);
        BOOST_TEST(co_await ferry::run_in_executor(p, triple, 2) == 6);
    }(pool));
    BOOST_CHECK(std::chrono::steady_clock::now() - started < patience);
}

BOOST_AUTO_TEST_CASE(a_call_with_a_stop_token_is_asked_and_waited_for) {
    ferry::process_pool pool({.max_workers = 1, .kill_grace = patience});
    const int first = pool.submit(pid).result();
    const marker started;
    const int value =
        ferry::run([](ferry::process_pool& p, const marker& m) -> asio::awaitable<int> {
            for (auto limit = 100ms;; limit *= 2) {
                try {
                    // It ends with a value, which is then the outcome.
                    co_return co_await ferry::wait_for(
                        ferry::run_in_executor(p, stops_when_asked, m.path()), limit);
                } catch (const ferry::timeout_error&) {
                    if (m.touched()) // otherwise it was too busy here for it to start in time
                        throw;
                }
            }
        }(pool, started));
    BOOST_TEST(value == 1);
    BOOST_TEST(pool.submit(pid).result() == first);
}

BOOST_AUTO_TEST_CASE(one_that_does_not_listen_is_ended_after_the_grace) {
    ferry::process_pool pool({.max_workers = 1, .kill_grace = 100ms});
    const marker started;
    ferry::run([](ferry::process_pool& p, const marker& m) -> asio::awaitable<void> {
        for (auto limit = 100ms; !m.touched(); limit *= 2) {
            bool late = false;
            try {
                co_await ferry::wait_for(ferry::run_in_executor(p, hears_nothing, m.path()), limit);
            } catch (const ferry::timeout_error&) {
                late = true;
            }
            BOOST_TEST(late);
        }
    }(pool, started));
    BOOST_TEST(pool.submit(triple, 1).result(patience) == 3);
}

BOOST_AUTO_TEST_CASE(a_queued_call_that_is_cancelled_never_runs) { // CF-ASY-05
    ferry::process_pool pool(1);
    const marker ran, go;
    auto busy = pool.submit(when_touched, go.path());
    wait_for_worker_of(busy, pool);
    BOOST_CHECK_THROW(
        ferry::run([](ferry::process_pool& p, std::string path) -> asio::awaitable<void> {
            co_await ferry::wait_for(ferry::run_in_executor(p, touch, path), 20ms);
        }(pool, ran.path())),
        ferry::timeout_error);
    touch(go.path());
    busy.result();
    pool.submit(triple, 1).result();
    BOOST_TEST(!ran.touched());
}

BOOST_AUTO_TEST_CASE(the_first_of_two_wins_and_the_other_worker_is_ended) {
    using namespace asio::experimental::awaitable_operators;
    ferry::process_pool pool({.max_workers = 2, .kill_grace = 100ms});
    asio::io_context context;
    int index = -1;
    asio::co_spawn(
        context,
        [](ferry::process_pool& p, int& i) -> asio::awaitable<void> {
            const auto r = co_await (ferry::run_in_executor(p, sleeping, 600'000) ||
                                     ferry::run_in_executor(p, triple, 1));
            i = static_cast<int>(r.index());
        }(pool, index),
        asio::detached);
    context.run();
    BOOST_TEST(index == 1);
}

BOOST_AUTO_TEST_CASE(many_calls_at_once_through_gather) {
    ferry::process_pool pool(2);
    const auto values = ferry::run([](ferry::process_pool& p) -> asio::awaitable<std::vector<int>> {
        std::vector<asio::awaitable<int>> all;
        for (int i = 0; i < 100; ++i)
            all.push_back(ferry::run_in_executor(p, triple, i));
        co_return co_await ferry::gather(std::move(all));
    }(pool));
    for (int i = 0; i < 100; ++i)
        BOOST_TEST(values[static_cast<std::size_t>(i)] == 3 * i);
}

BOOST_AUTO_TEST_CASE(every_completion_token_works) { // CF-ASY-34
    ferry::process_pool pool(1);
    const auto seven = [] { return 7; };
    asio::io_context context;
    int by_callback = 0;
    ferry::async_invoke(pool, seven, asio::bind_executor(context, [&](std::exception_ptr e, int n) {
                            BOOST_CHECK(e == nullptr);
                            by_callback = n;
                        }));
    context.run(); // has work until then
    BOOST_TEST(by_callback == 7);
    BOOST_TEST(ferry::async_invoke(pool, seven, asio::use_future).get() == 7);
    BOOST_TEST(ferry::async_invoke(pool, seven, ferry::use_future).result(patience) == 7);
    auto failed = ferry::async_invoke(pool, [] { throw std::out_of_range("o"); }, asio::use_future);
    BOOST_CHECK_THROW(failed.get(), std::out_of_range);
    pool.shutdown();
    BOOST_CHECK_THROW(ferry::async_invoke(pool, seven, asio::use_future).get(),
                      ferry::shutdown_error);
}

BOOST_AUTO_TEST_CASE(a_context_may_be_destroyed_while_calls_run) {
    ferry::process_pool pool(1);
    for (int round = 0; round < 50; ++round) {
        asio::io_context context;
        for (int i = 0; i < 4; ++i)
            asio::co_spawn(
                context,
                [](ferry::process_pool& p) -> asio::awaitable<void> {
                    co_await ferry::run_in_executor(p, triple, 1);
                }(pool),
                asio::detached);
        context.poll();
    }
    BOOST_TEST(pool.submit(triple, 1).result() == 3);
}
