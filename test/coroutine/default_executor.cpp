// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include <ferry/default_executor.hpp>

#include <ferry/run.hpp>
#include <ferry/task_group.hpp>
#include <ferry/to_thread.hpp>
#include <ferry/wait_for.hpp>

#include "helpers/gate.hpp"
#include "helpers/run_on.hpp"

#define BOOST_TEST_MODULE default_executor
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/test/unit_test.hpp>

#include <functional>
#include <optional>

using namespace ferry;
using namespace std::chrono_literals;
namespace asio = boost::asio;
using asio::awaitable;

namespace {

/// A pool whose only worker is busy until the gate opens, the default of a context.
struct busy_default {
    busy_default() : pool(1) {
        set_default_executor(*io, pool);
        call = pool.submit([this] {
            started.open();
            go.pass();
        });
        started.pass();
    }
    /// Lets the worker go and waits for the end of the shutting down, of which nothing may come.
    void finish() {
        go.open();
        call.result();
        io.reset();
        pool.shutdown();
        BOOST_CHECK_THROW(pool.submit([] {}), shutdown_error);
    }

    thread_pool pool;
    gate started, go;
    future<void> call;
    std::optional<asio::io_context> io{std::in_place};
};

awaitable<void> leave(timeout limit) {
    co_await shutdown_default_executor(limit);
    BOOST_ERROR("the worker was still busy");
}
awaitable<void> turn() {
    co_await asio::post(co_await asio::this_coro::executor, asio::use_awaitable);
}

} // namespace

BOOST_AUTO_TEST_CASE(nothing_comes_of_a_shutdown_whose_awaiter_has_left) {
    using namespace asio::experimental::awaitable_operators;
    // Each way of leaving, as a coroutine, with and without a limit that has not expired.
    const std::function<awaitable<void>(timeout)> ways[] = {
        [](timeout limit) -> awaitable<void> { co_await (leave(limit) || turn()); },
        [](timeout limit) -> awaitable<void> { co_await wait_for(leave(limit), 1ms); },
        [](timeout limit) -> awaitable<void> {
            const auto fail = []() -> awaitable<void> {
                co_await turn();
                throw std::out_of_range("x");
            };
            co_await gather(leave(limit), fail());
        },
        [](timeout limit) -> awaitable<void> {
            const auto body = [limit](task_group& g) -> awaitable<void> {
                g.spawn(leave(limit));
                co_await turn();
                g.cancel();
            };
            co_await with_task_group(body);
        },
        [](timeout limit) -> awaitable<void> {
            auto f = run_coroutine_threadsafe(co_await asio::this_coro::executor, leave(limit));
            co_await turn();
            BOOST_TEST(f.cancel());
        },
    };
    for (const auto& way : ways) {
        for (const timeout limit : {timeout(), timeout(1h)}) {
            busy_default busy;
            bool left = false;
            run_on(*busy.io, [&]() -> awaitable<void> {
                try {
                    co_await way(limit);
                } catch (const std::exception&) {
                }
                left = true;
            });
            BOOST_TEST(left);
            busy.finish();
        }
    }
}

BOOST_AUTO_TEST_CASE(nothing_comes_of_a_shutdown_whose_awaiter_was_cancelled_by_signal) {
    for (const auto type : {asio::cancellation_type::terminal, asio::cancellation_type::partial,
                            asio::cancellation_type::total}) {
        busy_default busy;
        asio::cancellation_signal signal;
        std::exception_ptr error;
        const auto top = [type]() -> awaitable<void> {
            static_cast<void>(type);
            co_await asio::this_coro::reset_cancellation_state(asio::enable_total_cancellation());
            co_await leave(1h);
        };
        asio::co_spawn(
            *busy.io, top(),
            asio::bind_cancellation_slot(signal.slot(), [&](std::exception_ptr e) { error = e; }));
        busy.io->poll();
        signal.emit(type);
        busy.io->run();
        BOOST_CHECK_EXCEPTION(std::rethrow_exception(error), cancelled_error, [](const auto& e) {
            return std::string(e.what()).find("shutdown_default_executor") != std::string::npos;
        });
        busy.finish();
    }
}

BOOST_AUTO_TEST_CASE(nothing_comes_of_a_shutdown_whose_context_is_gone) {
    busy_default busy;
    asio::co_spawn(*busy.io, leave(1h), [](std::exception_ptr) {});
    busy.io->poll();
    busy.io.reset();
    busy.finish();
}

BOOST_AUTO_TEST_CASE(a_shutdown_tells_whether_all_ended_in_time) {
    busy_default busy;
    bool in_time = true, again = false;
    run_on(*busy.io,
           [&]() -> awaitable<void> { in_time = co_await shutdown_default_executor(1ms); });
    BOOST_TEST(!in_time);
    busy.go.open();
    run([&]() -> awaitable<void> {
        co_await to_thread([] {});
        again = co_await shutdown_default_executor(1h);
        BOOST_CHECK_THROW(co_await to_thread([] {}), shutdown_error);
    }());
    BOOST_TEST(again);
}
