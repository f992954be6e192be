// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
// Results of worker processes whose copy or move throws on its way into a handler: it gets the
// exception.
#include <ferry/ferry.hpp>
#include <ferry/process.hpp>

#define BOOST_TEST_MODULE process_throwing_values
#define BOOST_TEST_NO_MAIN
#include "helpers/each_token.hpp"
#include "helpers/process_helpers.hpp"
#include "helpers/run_on.hpp"
#include "helpers/worker_main.hpp"

#include <boost/asio/as_tuple.hpp>

#include <memory>

using namespace std::chrono_literals;
namespace asio = boost::asio;
using asio::awaitable;

namespace {

/// Once it has arrived, copying or moving it throws after `left` more of that have been done.
struct bomb {
    explicit bomb(int n) : allowed(n) {}
    bomb() = default;
    bomb(const bomb& o) : allowed(o.allowed), left(o.left) { count(); }
    bomb(bomb&& o) : allowed(o.allowed), left(o.left) { count(); }
    bomb& operator=(const bomb&) = default;

    template <class Archive>
    void save(Archive& to) const {
        to(allowed);
    }
    template <class Archive>
    void load(Archive& from) {
        from(allowed);
        left = std::make_shared<int>(allowed);
    }
    void count() const {
        if (left != nullptr && (*left)-- <= 0)
            throw bang();
    }

    int allowed = 0;
    std::shared_ptr<int> left = {};
};

bomb make_bomb(int left) { return bomb(left); }
/// The same as a function object, which takes nothing.
struct bomb_maker {
    int left = 0;
    bomb operator()() const { return bomb(left); }
};
/// How many copies and moves bring a value into its future: the next one is a handler's.
int until_it_is_there(ferry::process_pool& pool) {
    int n = 0;
    while (pool.submit(make_bomb, n).exception(patience) != nullptr)
        ++n;
    return n;
}

/// The same after the worker was busy, and the pool was not.
bomb make_later(const std::string& go, int left) {
    when_touched(go);
    return bomb(left);
}

} // namespace

BOOST_AUTO_TEST_CASE(every_token_gets_what_a_copy_or_a_move_throws) {
    ferry::process_pool pool(1);
    const int left = until_it_is_there(pool);
    const auto invoke = [&](auto token) {
        return ferry::async_invoke(pool, bomb_maker{left}, std::move(token));
    };
    const auto moved = [&](auto token) {
        return pool.submit(make_bomb, left).async_result(std::move(token));
    };
    const auto copied = [&](auto token) {
        const auto f = pool.submit(make_bomb, left);
        return f.async_result(std::move(token));
    };
    for (int i = 0; i < 3; ++i) {
        with_each_token<bomb>(invoke, 1);
        with_each_token<bomb>(moved, 1);
        with_each_token<bomb>(copied, 1);
    }
    BOOST_TEST(pool.submit(triple, 14).result(patience) == 42);
}

BOOST_AUTO_TEST_CASE(a_tuple_gets_what_a_copy_or_a_move_throws) {
    ferry::process_pool pool(1);
    asio::io_context io;
    token_outcome o;
    const bomb_maker make{until_it_is_there(pool)};
    run_on(io, [&]() -> awaitable<void> {
        auto [e, value] =
            co_await ferry::async_invoke(pool, make, asio::as_tuple(asio::use_awaitable));
        o.add(e);
        BOOST_TEST(value.left == nullptr);
    });
    BOOST_TEST(o.one(1));
}

BOOST_AUTO_TEST_CASE(a_coroutine_gets_what_any_later_move_throws) {
    ferry::process_pool pool(1);
    for (int left = 0; left < 8; ++left) {
        const auto child = [&]() -> awaitable<bomb> {
            co_return co_await ferry::run_in_executor(pool, make_bomb, left);
        };
        const std::function<awaitable<void>()> ways[] = {
            [&]() -> awaitable<void> { co_await ferry::run_in_executor(pool, make_bomb, left); },
            [&]() -> awaitable<void> { co_await pool.submit(make_bomb, left).async_result(); },
            [&]() -> awaitable<void> { co_await ferry::gather(child()); },
            [&]() -> awaitable<void> { co_await ferry::wait_for(child(), 1h); },
            [&]() -> awaitable<void> { co_await ferry::shield(child()); },
        };
        for (const auto& way : ways) {
            const token_outcome o = outcome_of_awaiting(way);
            BOOST_TEST(o.one(left == 0 ? 1 : -1), "way " << &way - ways << ", " << left << " left");
        }
    }
}

// The thread that gives the value to a waiting handler is one of the pool's.
BOOST_AUTO_TEST_CASE(a_handler_that_waits_for_the_value_gets_what_its_move_throws) {
    ferry::process_pool pool(1);
    const int left = until_it_is_there(pool);
    const marker go;
    asio::io_context io;
    token_outcome o;
    pool.submit(make_later, go.path(), left)
        .async_result(asio::bind_executor(io, [&](std::exception_ptr e, bomb&&) { o.add(e); }));
    touch(go.path());
    io.run_for(patience);
    BOOST_TEST(o.one(1));
    BOOST_TEST(pool.submit(triple, 14).result(patience) == 42);
}
