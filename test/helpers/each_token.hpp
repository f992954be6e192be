// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include "run_on.hpp"

#include <ferry/use_future.hpp>

#include <boost/asio/bind_executor.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/use_future.hpp>
#include <boost/test/unit_test.hpp>

#include <exception>
#include <future>
#include <stdexcept>
#include <utility>

/// What the copies and moves of a test throw.
struct bang : std::runtime_error {
    bang() : std::runtime_error("bang") {}
};

/// Passes where the handler got the exception, or a value.
struct token_outcome {
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

/// The outcome of `co_await way()` in a coroutine.
template <class Way>
token_outcome outcome_of_awaiting(const Way& way) {
    token_outcome o;
    boost::asio::io_context io;
    run_on(io, [&]() -> boost::asio::awaitable<void> {
        try {
            co_await way();
            o.add(nullptr);
        } catch (...) {
            o.add(std::current_exception());
        }
    });
    return o;
}

/// Runs `start(token, report)` with each token; `start` begins an operation whose value is a `Value`.
template <class Value, class Start>
void with_each_token(Start start, int expected) {
    namespace asio = boost::asio;
    {
        token_outcome o;
        asio::io_context io;
        start(asio::bind_executor(io, [&](std::exception_ptr e, const Value&) { o.add(e); }));
        io.run();
        BOOST_TEST(o.one(expected), "a callback");
    }
    {
        token_outcome o;
        asio::io_context io;
        start(asio::bind_executor(asio::make_strand(io),
                                  [&](std::exception_ptr e, Value&&) { o.add(e); }));
        io.run();
        BOOST_TEST(o.one(expected), "a callback on a strand");
    }
    {
        token_outcome o;
        asio::io_context io;
        start(asio::deferred)(
            asio::bind_executor(io, [&](std::exception_ptr e, auto&&) { o.add(e); }));
        io.run();
        BOOST_TEST(o.one(expected), "deferred");
    }
    {
        token_outcome o;
        asio::io_context io;
        run_on(io, [&]() -> asio::awaitable<void> {
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
        token_outcome o;
        auto f = start(asio::use_future);
        o.add_result([&] { static_cast<void>(f.get()); });
        BOOST_TEST(o.one(expected), "asio::use_future");
    }
    {
        token_outcome o;
        auto f = start(ferry::use_future);
        o.add_result([&] { static_cast<void>(f.result()); });
        BOOST_TEST(o.one(expected), "ferry::use_future");
    }
    start(asio::detached);
}
