// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
// Every completion token on every initiating function of the bridge.
#include <ferry/ferry.hpp>

#include "helpers/gate.hpp"
#include "helpers/manual_executor.hpp"
#include "helpers/operations.hpp"
#include "helpers/run_on.hpp"

#define BOOST_TEST_MODULE tokens
#include <boost/test/unit_test.hpp>

#include <boost/asio/append.hpp>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/consign.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/prepend.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/use_future.hpp>

#include <future>
#include <memory>
#include <thread>

namespace asio = boost::asio;
using namespace ferry;
using namespace std::chrono_literals;

// ---- When and where the handler is called -------------------------------------------------------

BOOST_AUTO_TEST_CASE_TEMPLATE(a_callback_is_called_once_on_its_executor, Op, operations) {
    Op op; // CF-ASY-34
    manual_context where;
    collector got;
    bool on_it = false;
    op.start(asio::bind_executor(where.get_executor(), [&](auto&&... a) {
        on_it = where.running;
        got.handler()(a...);
    }));
    op.finish();
    where.run_one();
    BOOST_TEST(on_it);
    BOOST_TEST(got.calls == 1);
    BOOST_TEST(got.given == 7);
    BOOST_TEST(where.size() == 0u);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(nothing_completes_inside_the_initiating_call, Op, operations) {
    Op op;
    op.finish(); // there is nothing left to wait for
    asio::io_context io;
    collector got;
    bool inside = false;
    asio::post(io, [&] {
        op.start(asio::bind_executor(io, got.handler()));
        inside = got.calls != 0;
    });
    io.run();
    BOOST_TEST(!inside);
    BOOST_TEST(got.given == 7);
}

BOOST_AUTO_TEST_CASE(a_call_started_on_a_worker_of_its_pool_completes_later) {
    thread_pool pool(1);
    collector got;
    bool inside = true;
    gate done;
    pool.submit([&] {
            async_invoke(
                pool, [] { return 7; },
                [&](auto&&... a) {
                    got.handler()(a...);
                    done.open();
                });
            inside = got.calls != 0;
        })
        .result();
    done.pass();
    BOOST_TEST(!inside);
    BOOST_TEST(got.given == 7);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(the_handlers_context_has_work_until_then, Op, operations) {
    Op op;
    asio::io_context io;
    collector got;
    op.start(asio::bind_executor(io, got.handler()));
    BOOST_TEST(io.poll() == 0u);
    BOOST_TEST(!io.stopped());
    std::thread other([&] { op.finish(); });
    io.run();
    other.join();
    BOOST_TEST(got.given == 7);
    BOOST_TEST(io.stopped());
}

BOOST_AUTO_TEST_CASE_TEMPLATE(other_contexts_have_work_too, Op, operations) {
    Op op;
    collector got;
    asio::thread_pool pool(1);
    op.start(asio::bind_executor(asio::make_strand(pool), got.handler()));
    std::thread other([&] { op.finish(); });
    pool.join();
    other.join();
    BOOST_TEST(got.given == 7);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_strand_never_runs_two_handlers_at_once, Op, operations) {
    Op op;
    asio::thread_pool pool(3);
    const auto strand = asio::make_strand(pool);
    int calls = 0; // unprotected: the strand is the protection
    for (int i = 0; i < 100; ++i)
        op.start(asio::bind_executor(
            strand, [&](auto&&...) { calls += strand.running_in_this_thread() ? 1 : 0; }));
    op.finish();
    pool.join();
    BOOST_TEST(calls == 100);
}

// ---- Tokens -------------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE_TEMPLATE(coroutine_tokens, Op, operations) { // CF-ASY-34
    asio::io_context io;
    Op op;
    op.finish();
    run_on(io, [&]() -> asio::awaitable<void> {
        co_await op.start(asio::use_awaitable);
        auto later = op.start(asio::deferred); // Asio 1.26 cannot await (exception_ptr, T) itself
        co_await std::move(later)(asio::use_awaitable);
        const auto plain = co_await op.start(asio::as_tuple(asio::use_awaitable));
        BOOST_TEST(!failed(std::get<0>(plain)));
        const auto lazy = co_await op.start(asio::as_tuple(asio::deferred));
        BOOST_TEST(!failed(std::get<0>(lazy)));
    });
}

BOOST_AUTO_TEST_CASE_TEMPLATE(tokens_that_return_futures, Op, operations) { // CF-ASY-34 CF-IOP-04
    Op op;
    auto standard = op.start(asio::use_future);
    auto own = op.start(ferry::use_future);
    auto bound = op.start(asio::bind_executor(asio::system_executor(), ferry::use_future));
    BOOST_TEST((standard.wait_for(0s) == std::future_status::timeout));
    BOOST_TEST(!own.done());
    op.finish();
    standard.get();
    BOOST_TEST((own.exception() == nullptr));
    BOOST_TEST((bound.exception() == nullptr));
}

BOOST_AUTO_TEST_CASE_TEMPLATE(tokens_that_change_the_arguments, Op, operations) {
    Op op;
    asio::io_context io;
    collector got;
    int last = 0, first = 0;
    const auto keep = std::make_shared<int>(1);
    op.start(asio::bind_executor(io, asio::append(
                                         [&](const auto& error, const auto&... v) {
                                             got.calls += failed(error) ? 0 : 1;
                                             last = std::get<sizeof...(v) - 1>(std::tie(v...));
                                         },
                                         5)));
    op.start(asio::bind_executor(io, asio::prepend([&](int n, auto&&...) { first = n; }, 6)));
    op.start(asio::bind_executor(io, asio::consign(got.handler(), keep)));
    BOOST_TEST(keep.use_count() == 2);
    op.finish();
    io.run();
    BOOST_TEST(got.calls == 2);
    BOOST_TEST(last == 5);
    BOOST_TEST(first == 6);
    BOOST_TEST(keep.use_count() == 1);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_handler_may_be_move_only, Op, operations) {
    Op op;
    asio::io_context io;
    int got = 0;
    auto owned = std::make_unique<int>(9);
    op.start(asio::bind_executor(io, [&got, p = std::move(owned)](auto&&...) { got = *p; }));
    op.finish();
    io.run();
    BOOST_TEST(got == 9);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(detached_loses_nothing, Op, operations) {
    Op op;
    asio::io_context io;
    op.start(asio::detached);
    op.start(asio::bind_executor(io, asio::detached));
    op.finish();
    BOOST_TEST(io.run() == 1u);
}

BOOST_AUTO_TEST_CASE(an_error_can_be_redirected) {
    asio::io_context io;
    thread_pool pool(1);
    boost::system::error_code ec = asio::error::fault;
    run_on(io, [&]() -> asio::awaitable<void> {
        co_await pool.submit([] {}).async_wait(asio::redirect_error(asio::use_awaitable, ec));
    });
    BOOST_TEST(!ec.failed());
}
