// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
// Results whose copy or move throws on its way into a handler: it gets the exception.
#include <ferry/ferry.hpp>

#include "helpers/run_on.hpp"

#define BOOST_TEST_MODULE throwing_values
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

struct bang : std::runtime_error {
    bang() : std::runtime_error("bang") {}
};

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

/// Passes where the handler got the exception, or a value.
struct outcome {
    int values = 0, bangs = 0, others = 0;
    void add(const std::exception_ptr& e) {
        if (!e) {
            ++values;
            return;
        }
        try {
            std::rethrow_exception(e);
        } catch (const bang&) {
            ++bangs;
        } catch (...) {
            ++others;
        }
    }
    template <class F>
    void add_result(F&& f) {
        try {
            std::forward<F>(f)();
            add(nullptr);
        } catch (...) {
            add(std::current_exception());
        }
    }
    bool one(int bangs_expected) const {
        return values + bangs == 1 && others == 0 &&
               (bangs_expected < 0 || bangs == bangs_expected);
    }
};

/// Runs `start(token, report)` with each token; `start` begins an operation whose value is a bomb.
template <class Start>
void with_each_token(Start start, int expected) {
    {
        outcome o;
        asio::io_context io;
        start(asio::bind_executor(io, [&](std::exception_ptr e, const bomb&) { o.add(e); }));
        io.run();
        BOOST_TEST(o.one(expected), "a callback");
    }
    {
        outcome o;
        asio::io_context io;
        start(asio::bind_executor(asio::make_strand(io),
                                  [&](std::exception_ptr e, bomb&&) { o.add(e); }));
        io.run();
        BOOST_TEST(o.one(expected), "a callback on a strand");
    }
    {
        outcome o;
        asio::io_context io;
        start(asio::deferred)(
            asio::bind_executor(io, [&](std::exception_ptr e, auto&&) { o.add(e); }));
        io.run();
        BOOST_TEST(o.one(expected), "deferred");
    }
    {
        outcome o;
        asio::io_context io;
        run_on(io, [&]() -> awaitable<void> {
            try {
                co_await start(asio::use_awaitable);
                o.add(nullptr);
            } catch (...) {
                o.add(std::current_exception());
            }
        });
        BOOST_TEST(o.one(expected), "use_awaitable");
    }
    {
        outcome o;
        auto f = start(asio::use_future);
        o.add_result([&] { static_cast<void>(f.get()); });
        BOOST_TEST(o.one(expected), "asio::use_future");
    }
    {
        outcome o;
        auto f = start(ferry::use_future);
        o.add_result([&] { static_cast<void>(f.result()); });
        BOOST_TEST(o.one(expected), "ferry::use_future");
    }
    start(asio::detached);
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
        with_each_token(invoke, 1);
        with_each_token(moved, 1);
        with_each_token(copied, 1);
    }
}

BOOST_AUTO_TEST_CASE(a_tuple_gets_what_a_copy_or_a_move_throws) {
    thread_pool pool(1);
    asio::io_context io;
    outcome o;
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
            outcome o;
            asio::io_context io;
            run_on(io, [&]() -> awaitable<void> {
                try {
                    co_await way();
                    o.add(nullptr);
                } catch (...) {
                    o.add(std::current_exception());
                }
            });
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
