// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
// The same program on Asio's pool and on Ferry's.
#include <ferry/ferry.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <exception>
#include <iostream>
#include <stdexcept>
#include <string>

namespace asio = boost::asio;

namespace {

std::string load(int n) {
    if (n < 0)
        throw std::invalid_argument("no such page");
    return "page " + std::to_string(n);
}

/// The coroutine itself moves into the pool, and has to move back, also after an exception.
asio::awaitable<std::string> with_asio(asio::thread_pool& pool) {
    const auto home = co_await asio::this_coro::executor;
    co_await asio::post(asio::bind_executor(pool.get_executor(), asio::use_awaitable));
    std::string text;
    std::exception_ptr error;
    try {
        text = load(1); // in the pool
    } catch (...) {
        error = std::current_exception();
    }
    co_await asio::post(asio::bind_executor(home, asio::use_awaitable)); // back again
    if (error)
        std::rethrow_exception(error);
    co_return text;
}

/// The call goes, the coroutine stays.
asio::awaitable<std::string> with_ferry(ferry::thread_pool& pool) {
    co_return co_await ferry::run_in_executor(pool, load, 1);
}

} // namespace

int main() {
    asio::thread_pool old(2);
    ferry::thread_pool pool(2);
    std::cout << ferry::run(with_asio(old)) << '\n';
    std::cout << ferry::run(with_ferry(pool)) << '\n';

    // A ferry::thread_pool is an execution context; what worked on the old one works on it.
    auto strand = asio::make_strand(pool.get_executor());
    ferry::future<std::string> f = ferry::submit(strand, load, 2);
    std::cout << f.result() << '\n';

    // And a future of Ferry can come from Asio's pool.
    std::cout << ferry::submit(old, load, 3).result() << '\n';
}
