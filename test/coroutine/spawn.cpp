// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
// Stackful coroutines: the `yield_context` of `asio::spawn` as a completion token. Boost 1.81's own
// code for a signature with an exception pointer does not compile, or rethrows a null pointer, so
// outcomes are taken as tuples.
#include <ferry/ferry.hpp>

#define BOOST_TEST_MODULE spawn
#include <boost/test/unit_test.hpp>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/spawn.hpp>
#include <boost/asio/strand.hpp>

#include "helpers/gate.hpp"

#include <stdexcept>
#include <thread>
#include <tuple>
#include <vector>

namespace asio = boost::asio;
using namespace ferry;

namespace {

/// Runs a stackful coroutine on a context of its own until both are over.
template <class F>
void run_spawned(F body) {
    asio::io_context io;
    bool ended = false;
    asio::spawn(
        io,
        [&](asio::yield_context yield) {
            body(yield);
            ended = true;
        },
        asio::detached);
    io.run();
    BOOST_TEST(ended);
}

} // namespace

BOOST_AUTO_TEST_CASE(a_stackful_coroutine_gets_the_result_on_its_own_thread) { // CF-ASY-34
    thread_pool pool(1);
    run_spawned([&](asio::yield_context yield) {
        const auto here = std::this_thread::get_id();
        const auto [error, there] =
            async_invoke(pool, [] { return std::this_thread::get_id(); }, asio::as_tuple(yield));
        BOOST_TEST((error == nullptr));
        BOOST_TEST((there != here));
        BOOST_TEST((std::this_thread::get_id() == here));
    });
}

BOOST_AUTO_TEST_CASE(a_stackful_coroutine_gets_the_exception) { // CF-ASY-34
    thread_pool pool(1);
    run_spawned([&](asio::yield_context yield) {
        const auto [error] =
            async_invoke(pool, [] { throw std::out_of_range("there"); }, asio::as_tuple(yield));
        BOOST_CHECK_THROW(std::rethrow_exception(error), std::out_of_range);
    });
}

BOOST_AUTO_TEST_CASE(a_stackful_coroutine_awaits_futures_in_every_way) { // CF-ASY-34 CF-GAT-16
    thread_pool pool(2);
    run_spawned([&](asio::yield_context yield) {
        std::vector<future<int>> futures;
        for (int i = 0; i < 3; ++i)
            futures.push_back(pool.submit([i] { return i; }));
        futures[0].async_wait(yield);
        BOOST_TEST(futures[0].done());
        BOOST_TEST(std::get<1>(futures[1].async_result(asio::as_tuple(yield))) == 1);
        const auto waited = async_wait(futures, wait_options(), asio::as_tuple(yield));
        BOOST_TEST(std::get<1>(waited).done.size() == 3u);
        auto view = as_completed(futures);
        int sum = 0;
        for (;;) {
            auto [error, f] = view.async_next(asio::as_tuple(yield));
            BOOST_REQUIRE((error == nullptr));
            if (!f)
                break;
            sum += f->result();
        }
        BOOST_TEST(sum == 3);
    });
}

BOOST_AUTO_TEST_CASE(a_cancelled_stackful_coroutine_gives_up_its_call) { // CF-ASY-34 CF-CAN-15
    thread_pool pool(1);
    asio::io_context io;
    asio::cancellation_signal signal;
    gate started, go;
    std::exception_ptr error;
    const auto blocking = [&] {
        started.open();
        go.pass();
    };
    asio::spawn(
        io,
        [&](asio::yield_context yield) {
            std::tie(error) = async_invoke(pool, blocking, asio::as_tuple(yield));
        },
        asio::bind_cancellation_slot(signal.slot(), asio::detached));
    io.poll();
    started.pass();
    asio::post(io, [&] { signal.emit(asio::cancellation_type::terminal); });
    io.run();
    go.open();
    BOOST_REQUIRE((error != nullptr));
    BOOST_CHECK_THROW(std::rethrow_exception(error), cancelled_error);
}

BOOST_AUTO_TEST_CASE(a_stackful_coroutine_stays_on_its_strand) { // CF-ASY-34
    thread_pool pool(2);
    asio::io_context io;
    const auto strand = asio::make_strand(io);
    bool inside = false;
    asio::spawn(
        strand,
        [&](asio::yield_context yield) {
            static_cast<void>(async_invoke(pool, [] {}, asio::as_tuple(yield)));
            inside = strand.running_in_this_thread();
        },
        asio::detached);
    io.run();
    BOOST_TEST(inside);
}
