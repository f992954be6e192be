// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
// The ways of a coroutine to a pool and back: Ferry's, and what one writes by hand.
#pragma once

#include "pools.hpp"
#include "workload.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <memory>

/// `run_in_executor`.
struct by_ferry {
    ferry_pool pool;

    boost::asio::awaitable<int> operator()(int n) {
        return ferry::run_in_executor(pool.pool, [n] { return n; });
    }
};

/// `async_initiate`: posts to the pool, and from there back to the handler's executor.
template <class Pool>
struct by_initiate {
    Pool pool;

    boost::asio::awaitable<int> operator()(int n) {
        namespace asio = boost::asio;
        co_return co_await asio::async_initiate<const asio::use_awaitable_t<>&, void(int)>(
            [this, n](auto handler) {
                auto home = asio::prefer(asio::get_associated_executor(handler),
                                         asio::execution::outstanding_work.tracked);
                pool.post(work(std::move(handler), std::move(home), n));
            },
            asio::use_awaitable);
    }

private:
    template <class Handler, class Home>
    static auto work(Handler handler, Home home, int n) {
        return [handler = std::move(handler), home = std::move(home), n]() mutable {
            boost::asio::post(
                home, [handler = std::move(handler), n]() mutable { std::move(handler)(n); });
        };
    }
};

#if defined(BENCH_TBB)
/// What oneTBB takes is copied and called as a constant, hence the shared pointer.
template <>
template <class Handler, class Home>
auto by_initiate<tbb_pool>::work(Handler handler, Home home, int n) {
    auto kept = std::make_shared<Handler>(std::move(handler));
    return [kept = std::move(kept), home = std::move(home), n] {
        boost::asio::post(home, [kept, n] { std::move (*kept)(n); });
    };
}
#endif

/// A coroutine of its own in the pool.
struct by_co_spawn {
    asio_pool pool;

    boost::asio::awaitable<int> operator()(int n) {
        co_return co_await boost::asio::co_spawn(
            pool.pool, [n]() -> boost::asio::awaitable<int> { co_return n; },
            boost::asio::use_awaitable);
    }
};

/// The coroutine itself goes to the pool, and back.
struct by_hop {
    asio_pool pool;

    boost::asio::awaitable<int> operator()(int n) {
        namespace asio = boost::asio;
        co_await asio::post(asio::bind_executor(pool.pool, asio::use_awaitable));
        const int result = n;
        co_await asio::post(asio::use_awaitable);
        co_return result;
    }
};

template <class Way>
boost::asio::awaitable<void> trips(Way& way, std::size_t n) {
    for (std::size_t i = 0; i < n; ++i)
        co_await way(static_cast<int>(i));
}

/// Some coroutines on one io_context, each of which goes a number of times.
template <class Way>
sample run_trips(Way& way, std::size_t coroutines, std::size_t each) {
    boost::asio::io_context io(1);
    const stopwatch watch;
    for (std::size_t c = 0; c < coroutines; ++c)
        boost::asio::co_spawn(io, trips(way, each), boost::asio::detached);
    io.run();
    return watch.stop(coroutines * each);
}
