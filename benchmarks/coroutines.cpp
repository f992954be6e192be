// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
// The workloads of coroutines on an io_context.
#include "workload.hpp"

#include <ferry/ferry.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace asio = boost::asio;

namespace {

constexpr std::size_t workers = 2;

/// What one writes by hand: posts to the pool, and from there back to the handler's executor.
asio::awaitable<int> by_hand(asio::thread_pool& pool, int n) {
    co_return co_await asio::async_initiate<const asio::use_awaitable_t<>&, void(int)>(
        [&pool, n](auto handler) {
            auto home = asio::prefer(asio::get_associated_executor(handler),
                                     asio::execution::outstanding_work.tracked);
            asio::post(pool, [handler = std::move(handler), home = std::move(home), n]() mutable {
                asio::post(home, [handler = std::move(handler), n]() mutable {
                    std::move(handler)(n);
                });
            });
        },
        asio::use_awaitable);
}

asio::awaitable<int> offload(asio::thread_pool& pool, int n) {
    return by_hand(pool, n);
}
asio::awaitable<int> offload(ferry::thread_pool& pool, int n) {
    return ferry::run_in_executor(pool, [n] { return n; });
}

template <class Pool>
asio::awaitable<void> trips(Pool& pool, std::size_t n) {
    for (std::size_t i = 0; i < n; ++i)
        co_await offload(pool, static_cast<int>(i));
}

template <class Pool>
sample run_trips(std::size_t coroutines, std::size_t each) {
    Pool pool(workers);
    asio::io_context io(1);
    const stopwatch watch;
    for (std::size_t c = 0; c < coroutines; ++c)
        asio::co_spawn(io, trips(pool, each), asio::detached);
    io.run();
    return watch.stop(coroutines * each);
}

template <class Pool>
sample run_pool(std::string_view workload, std::size_t scale) {
    if (workload == "w4s") // one coroutine
        return run_trips<Pool>(1, scale != 0 ? scale : 50'000);
    if (workload == "w4c") // a thousand of them
        return run_trips<Pool>(1000, scale != 0 ? scale : 1000);
    return {};
}

} // namespace

sample run_coroutines(std::string_view workload, std::string_view implementation,
                      std::size_t scale) {
    return implementation == "ferry"  ? run_pool<ferry::thread_pool>(workload, scale)
           : implementation == "asio" ? run_pool<asio::thread_pool>(workload, scale)
                                      : sample{};
}
