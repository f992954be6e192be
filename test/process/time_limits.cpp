// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
// Timeouts, stop requests and ends of tasks that come at the same time.
#include <ferry/process_pool.hpp>

#include <ferry/ferry.hpp>
#include <ferry/process.hpp>

#define BOOST_TEST_MODULE time_limits
#define BOOST_TEST_NO_MAIN
#include "helpers/process_helpers.hpp"
#include "helpers/worker_channel.hpp"
#include "helpers/worker_main.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include <array>
#include <stop_token>

namespace asio = boost::asio;
using namespace std::chrono_literals;

namespace {

/// Gives the worker's process.
int stops_when_asked(std::stop_token stop, const std::string& started) {
    touch(started);
    while (!stop.stop_requested())
        std::this_thread::yield();
    return ::getpid();
}

} // namespace

BOOST_AUTO_TEST_CASE(a_timeout_as_the_task_ends_is_either_and_costs_no_other_task) {
    ferry::process_pool pool({.max_workers = 1, .kill_grace = 100ms});
    int values = 0;
    for (int i = 0; i < 60; ++i) {
        auto f = pool.submit({.timeout = 3ms}, sleeping, 2 + i % 3);
        auto next = pool.submit(triple, i);
        try {
            f.result(patience);
            ++values;
        } catch (const ferry::timeout_error&) {
        }
        BOOST_TEST(next.result(patience) == 3 * i);
    }
    BOOST_TEST_MESSAGE(values << " of 60 were in time");
}

BOOST_AUTO_TEST_CASE(a_late_request_to_stop_stops_no_other_task) {
    ferry::process_pool pool(1);
    for (int i = 0; i < 200; ++i) {
        auto first = pool.submit([](std::stop_token, int n) { return n; }, i);
        while (!first.done())
            first.request_stop();
        auto second = pool.submit([](std::stop_token stop) {
            std::this_thread::sleep_for(1ms);
            return stop.stop_requested();
        });
        BOOST_TEST(!second.result(patience));
        BOOST_TEST(first.result(0s) == i);
    }
}

// The slot of a call whose stop was answered is used again before its grace is over.
BOOST_AUTO_TEST_CASE(the_grace_of_a_call_that_stopped_ends_no_later_one) {
    ferry::process_pool pool({.max_workers = 1, .kill_grace = 300ms}), other(1);
    int stopped = 0; // calls that ended before their grace did; on a busy machine not all do
    for (int round = 0; round < 10 && stopped < 2; ++round) {
        const int before = pool.submit(pid).result(patience);
        const marker started, go;
        asio::io_context context;
        asio::cancellation_signal cancel;
        int value = 0;
        asio::co_spawn(
            context,
            [](ferry::process_pool& p, std::string path) -> asio::awaitable<int> {
                co_return co_await ferry::run_in_executor(p, stops_when_asked, path);
            }(pool, started.path()),
            asio::bind_cancellation_slot(
                cancel.slot(), [&](std::exception_ptr error, int n) { value = error ? 0 : n; }));
        while (!started.touched())
            context.poll();
        cancel.emit(asio::cancellation_type::terminal);
        context.run();
        auto next = pool.submit(when_touched, go.path());
        BOOST_CHECK_THROW(other.submit({.timeout = 600ms}, sleeping, 600'000).result(patience),
                          ferry::timeout_error);
        touch(go.path());
        const int ran_in = next.result(patience);
        if (value != before)
            continue;
        BOOST_TEST(ran_in == before);
        ++stopped;
    }
    BOOST_TEST(stopped == 2);
}

// One that ended has left the list of deadlines before its neighbours there change.
BOOST_AUTO_TEST_CASE(workers_end_while_others_are_told_to) {
    constexpr int workers = 8;
    ferry::process_pool pool(workers);
    for (int round = 0; round < 5; ++round) {
        asio::io_context context;
        std::array<asio::cancellation_signal, workers> cancel;
        int cancelled = 0;
        for (auto& c : cancel) {
            asio::co_spawn(
                context, ferry::run_in_executor(pool, sleeping, 600'000),
                asio::bind_cancellation_slot(c.slot(), [&](std::exception_ptr error, int) {
                    BOOST_CHECK_THROW(std::rethrow_exception(error), boost::system::system_error);
                    ++cancelled;
                }));
        }
        while (pool.stats().running != workers)
            context.poll();
        for (std::size_t left = workers; auto& c : cancel) {
            c.emit(asio::cancellation_type::terminal);
            --left;
            while (pool.stats().workers != left) // the one that ends is let go of just now
                context.poll();
        }
        context.run();
        BOOST_TEST(cancelled == workers);
    }
}

// The task behind is not ended for the time that it waited there.
BOOST_AUTO_TEST_CASE(the_timeout_of_a_task_handed_out_behind_another_runs_from_its_start) {
    ferry::process_pool pool({.max_workers = 1, .kill_grace = 100ms});
    for (int i = 0; i < 200; ++i) // so that many are handed out at a time
        pool.submit(triple, i).result(patience);
    const marker go;
    auto busy = pool.submit(when_touched, go.path());
    auto in_time = pool.submit({.timeout = 10s}, triple, 2);
    auto late = pool.submit({.timeout = 100ms}, sleeping, 600'000);
    auto after = pool.submit(triple, 3);
    ferry::process_pool other(1); // from now on at least that long
    BOOST_CHECK_THROW(other.submit({.timeout = 10s}, sleeping, 600'000).result(patience),
                      ferry::timeout_error);
    BOOST_TEST(!in_time.done());
    touch(go.path());
    BOOST_TEST(busy.result(patience) > 0);
    BOOST_TEST(in_time.result(patience) == 6);
    BOOST_CHECK_THROW(late.result(patience), ferry::timeout_error);
    BOOST_TEST(after.result(patience) == 9);
}

BOOST_AUTO_TEST_CASE(what_was_answered_before_the_worker_died_counts) {
    ferry::process_pool pool(1);
    for (int i = 0; i < 30; ++i) {
        auto f = pool.submit([] {
            auto& answered = my_channel().answers.written;
            std::thread([&answered, before = answered.load()] {
                while (answered.load() == before)
                    std::this_thread::yield();
                ::kill(::getpid(), SIGKILL);
            }).detach();
            return static_cast<int>(::getpid());
        });
        const int worker = f.result(patience);
        while (::kill(worker, 0) == 0) // else the next one may be handed to it
            std::this_thread::yield();
        BOOST_TEST(pool.submit(triple, i).result(patience) == 3 * i);
    }
}
