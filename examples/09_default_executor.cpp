// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
// Which threads `to_thread` uses: each execution context has a default pool, made when it is first
// needed, or set by you. Python: `loop.set_default_executor(pool)`.
#include <ferry/ferry.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include <chrono>
#include <iostream>
#include <string>

#include <pthread.h>

namespace asio = boost::asio;
using namespace std::chrono_literals;

namespace {

std::string thread_name() {
    char name[16] = {};
    ::pthread_getname_np(::pthread_self(), name, sizeof name);
    return name;
}

asio::awaitable<void> use_default_pool() {
    std::cout << "to_thread ran in " << co_await ferry::to_thread(thread_name) << '\n';

    const bool ended = co_await ferry::shutdown_default_executor(1s);
    std::cout << "all its threads have ended: " << std::boolalpha << ended << '\n';
    try {
        co_await ferry::to_thread(thread_name);
    } catch (const ferry::shutdown_error& e) {
        std::cout << e.what() << '\n';
    }
}

} // namespace

int main() {
    // By reference: declared first, so that it outlives the context.
    ferry::thread_pool disk({.max_workers = 2, .thread_name_prefix = "disk"});
    asio::io_context context(1);
    ferry::set_default_executor(context, disk);

    ferry::future<void> outcome = asio::co_spawn(context, use_default_pool(), ferry::use_future);
    context.run();
    outcome.result(); // throws what the coroutine threw
}
