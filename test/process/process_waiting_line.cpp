// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
// The line of a bounded process pool: whatever makes room lets the next ones in, what gives up its
// place is let go of, and what is refused is told the truth.
#include <ferry/ferry.hpp>
#include <ferry/process.hpp>

#define BOOST_TEST_MODULE process_waiting_line
#define BOOST_TEST_NO_MAIN
#include "helpers/process_helpers.hpp"
#include "helpers/worker_main.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/io_context.hpp>

#include <csignal>
#include <memory>
#include <string>
#include <thread>
#include <vector>

using namespace std::chrono_literals;
namespace asio = boost::asio;

namespace {

int dies_when_touched(const std::string& path) {
    when_touched(path);
    ::raise(SIGKILL);
    return 0;
}

} // namespace

// Its worker runs the next one then, whose bytes wait no more.
BOOST_AUTO_TEST_CASE(what_stood_behind_a_cancelled_task_counts_no_bytes_once_it_is_the_first) {
    ferry::process_pool pool(
        {.max_workers = 1, .max_queue_bytes = 1000, .when_full = ferry::when_full::reject});
    for (int i = 0; i < 300; ++i) // so that many are handed out at a time
        pool.submit(triple, i).result(patience);
    const int p = pool.submit(pid).result(patience);
    const marker go;
    ::kill(p, SIGSTOP);
    auto first = pool.submit(triple, 1);
    auto second = pool.submit({.bytes = 800}, when_touched, go.path());
    BOOST_TEST(first.cancel());
    ::kill(p, SIGCONT);
    BOOST_REQUIRE(eventually([&] { return second.running(); }));
    try {
        auto third = pool.submit({.bytes = 800}, triple, 3);
        touch(go.path());
        BOOST_TEST(third.result(patience) == 9);
    } catch (const ferry::queue_full_error& e) {
        BOOST_ERROR(e.what());
    }
    touch(go.path());
    second.result(patience);
}

// No answer comes, of which those who stand in line are told otherwise.
BOOST_AUTO_TEST_CASE(what_gave_up_its_place_is_let_go_of_where_workers_only_die) {
    const auto token = std::make_shared<int>(1);
    {
        ferry::process_pool pool({.max_workers = 1, .max_queue = 1});
        const marker go;
        auto running = pool.submit(dies_when_touched, go.path());
        BOOST_REQUIRE(eventually([&] { return running.running(); }));
        auto queued = pool.submit(dies_when_touched, go.path());
        const auto die = [] {
            ::raise(SIGKILL);
            return 0;
        };
        auto in_line = ferry::async_invoke(pool, die, ferry::use_future);
        auto gives_up = ferry::async_invoke(
            pool, ferry::task_options{.on_progress = [token](const ferry::progress&) {}}, die,
            ferry::use_future);
        BOOST_TEST(gives_up.cancel());
        BOOST_TEST(eventually([&] { return pool.stats().cancelled == 1; }));
        touch(go.path());
        for (auto* const f : {&running, &queued, &in_line})
            BOOST_CHECK_THROW(f->result(patience), ferry::worker_died);
    }
    BOOST_TEST(eventually([&] { return token.use_count() == 1; }));
}

// The worker hands the place over at the moment at which it is given up.
BOOST_AUTO_TEST_CASE(a_place_that_is_given_up_while_it_is_handed_over_stops_nobody) {
    ferry::process_pool pool({.max_workers = 1, .max_queue = 1});
    int ran = 0, cancelled = 0;
    for (int round = 0; round < 60; ++round) {
        const marker go;
        auto running = pool.submit(when_touched, go.path());
        BOOST_REQUIRE(eventually([&] { return running.running(); }));
        auto queued = pool.submit(triple, round);
        asio::io_context io;
        asio::cancellation_signal stop;
        bool ended = false;
        const auto three = [] { return 3; };
        ferry::async_invoke(
            pool, three,
            asio::bind_cancellation_slot(stop.slot(),
                                         asio::bind_executor(io, [&](std::exception_ptr e, int n) {
                                             ended = true;
                                             ++(e == nullptr ? ran : cancelled);
                                             BOOST_TEST(n == (e == nullptr ? 3 : 0));
                                         })));
        auto behind = ferry::async_invoke(pool, three, ferry::use_future);
        touch(go.path());
        if (round % 2 == 0) // about when the worker notices
            running.wait();
        for (int i = 0; i < 20 * round; ++i)
            std::this_thread::yield();
        stop.emit(asio::cancellation_type::terminal);
        BOOST_TEST(queued.result(patience) == 3 * round);
        BOOST_TEST(behind.result(patience) == 3);
        io.run_for(patience);
        BOOST_TEST(ended);
    }
    BOOST_TEST_MESSAGE(ran << " ran, " << cancelled << " were cancelled");
    BOOST_TEST(ran + cancelled == 60);
    BOOST_TEST(pool.stats().queued == 0u);
    BOOST_TEST(pool.submit(triple, 14).result(patience) == 42);
}

namespace {

/// How many times the time that a refused task would have waited it was told to wait.
template <class Pool>
double told_by(Pool& pool, std::size_t workers, std::size_t queue) {
    constexpr int run_ms = 30;
    for (int i = 0; i < 8; ++i)
        pool.submit(sleeping, run_ms).result(patience);
    std::vector<ferry::future<int>> all;
    for (std::size_t i = 0; i != workers; ++i)
        all.push_back(pool.submit(sleeping, run_ms));
    BOOST_REQUIRE(eventually(
        [&] { return std::ranges::all_of(all, [](auto& f) { return f.running() || f.done(); }); }));
    std::chrono::nanoseconds told{};
    try {
        for (std::size_t i = 0; i != 10 * queue; ++i)
            all.push_back(pool.submit(sleeping, run_ms));
    } catch (const ferry::queue_full_error& e) {
        told = e.retry_after();
    }
    const auto begin = std::chrono::steady_clock::now();
    const auto& last = all.back();
    BOOST_TEST(eventually([&] { return last.running() || last.done(); }));
    const std::chrono::nanoseconds waited = std::chrono::steady_clock::now() - begin;
    for (auto& f : all)
        f.result(patience);
    return static_cast<double>(told.count()) / static_cast<double>(waited.count());
}

} // namespace

// Where the machine is busy with something else one of several attempts has to do.
BOOST_AUTO_TEST_CASE(a_refused_task_is_told_how_long_it_would_wait) {
    const auto tell = [](auto& pool, std::size_t workers, std::size_t queue) {
        std::string all;
        for (int i = 0; i < 8; ++i) {
            const double factor = told_by(pool, workers, queue);
            if (factor > 1 / 3. && factor < 3)
                return;
            all += ' ' + std::to_string(factor);
        }
        BOOST_ERROR("the time that was told, in times of the right one:" + all);
    };
    {
        ferry::thread_pool pool(ferry::thread_pool_options{
            .max_workers = 8, .max_queue = 24, .when_full = ferry::when_full::reject});
        tell(pool, 8, 24);
    }
    ferry::process_pool pool(
        {.max_workers = 4, .max_queue = 16, .when_full = ferry::when_full::reject});
    tell(pool, 4, 16);
}
