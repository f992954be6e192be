// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
// Results whose copy or move throws on its way into a handler: it gets the exception.
#include <ferry/ferry.hpp>

#define BOOST_TEST_MODULE throwing_values
#include "helpers/each_token.hpp"
#include "helpers/run_on.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/use_future.hpp>
#include <boost/test/unit_test.hpp>

#include <future>

using namespace ferry;
using namespace std::chrono_literals;
namespace asio = boost::asio;
using asio::awaitable;

namespace {

/// Copying or moving it throws once `left` more of that have been done; the default value is tame.
struct bomb {
    explicit bomb(int left) : left(std::make_shared<int>(left)) {}
    bomb() = default;
    bomb(const bomb& o) : left(o.left) { count(); }
    bomb(bomb&& o) : left(o.left) { count(); }
    bomb& operator=(const bomb&) = default;

    void count() const {
        if (left != nullptr && (*left)-- <= 0)
            throw bang();
    }
    std::shared_ptr<int> left;
};

/// The value in a future, and how often it may still be copied or moved.
future<bomb> give(thread_pool& pool, int left) {
    return pool.submit([left] { return bomb(left); });
}

} // namespace

BOOST_AUTO_TEST_CASE(every_token_gets_what_a_copy_or_a_move_throws) {
    thread_pool pool(1);
    const auto invoke = [&](auto token) {
        return async_invoke(pool, [] { return bomb(0); }, std::move(token));
    };
    const auto moved = [&](auto token) { return give(pool, 0).async_result(std::move(token)); };
    const auto f = give(pool, 0);
    const auto copied = [&](auto token) { return f.async_result(std::move(token)); };
    for (int i = 0; i < 3; ++i) {
        with_each_token<bomb>(invoke, 1);
        with_each_token<bomb>(moved, 1);
        with_each_token<bomb>(copied, 1);
    }
}

BOOST_AUTO_TEST_CASE(a_tuple_gets_what_a_copy_or_a_move_throws) {
    thread_pool pool(1);
    asio::io_context io;
    token_outcome o;
    run_on(io, [&]() -> awaitable<void> {
        const auto make = [] { return bomb(0); };
        auto [e, value] = co_await async_invoke(pool, make, asio::as_tuple(asio::use_awaitable));
        o.add(e);
        BOOST_TEST(value.left == nullptr);
    });
    BOOST_TEST(o.one(1));
}

BOOST_AUTO_TEST_CASE(a_coroutine_gets_what_any_later_move_throws) {
    thread_pool pool(1);
    for (int left = 0; left < 12; ++left) {
        const auto f = give(pool, left);
        const auto make = [left] { return bomb(left); };
        const auto child = [&]() -> awaitable<bomb> {
            co_return co_await run_in_executor(pool, make);
        };
        const std::function<awaitable<void>()> ways[] = {
            [&]() -> awaitable<void> { co_await run_in_executor(pool, make); },
            [&]() -> awaitable<void> { co_await to_thread(make); },
            [&]() -> awaitable<void> { co_await f.async_result(); },
            [&]() -> awaitable<void> { co_await give(pool, left).async_result(); },
            [&]() -> awaitable<void> { co_await async_invoke(pool, make, asio::use_awaitable); },
            [&]() -> awaitable<void> { co_await gather(child()); },
            [&]() -> awaitable<void> { co_await wait_for(child(), 1h); },
            [&]() -> awaitable<void> { co_await shield(child()); },
            [&]() -> awaitable<void> {
                const auto body = [&](task_group& g) -> awaitable<void> {
                    co_await g.spawn(child()).async_result();
                };
                try {
                    co_await with_task_group(body);
                } catch (const exception_group& e) {
                    std::rethrow_exception(e.exceptions().at(0));
                }
            },
        };
        for (const auto& way : ways) {
            const token_outcome o = outcome_of_awaiting(way);
            BOOST_TEST(o.one(left == 0 ? 1 : -1), "way " << &way - ways << ", " << left << " left");
        }
    }
}

BOOST_AUTO_TEST_CASE(a_callback_that_throws_is_called_once) {
    thread_pool pool(1);
    asio::io_context io;
    int calls = 0;
    async_invoke(
        pool, [] { return bomb(100); }, asio::bind_executor(io, [&](std::exception_ptr, bomb&&) {
            ++calls;
            throw bang();
        }));
    BOOST_CHECK_THROW(io.run(), bang);
    io.restart();
    io.run();
    BOOST_TEST(calls == 1);
}
