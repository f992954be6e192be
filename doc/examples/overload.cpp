// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
// A bounded pool says no at once, and says when to come again.
#include <ferry/ferry.hpp>

#include <boost/asio/this_coro.hpp>

#include <algorithm>
#include <chrono>
#include <iostream>
#include <latch>
#include <string>

namespace asio = boost::asio;

namespace {

struct response {
    int status = 200;
    std::string body = {};
    long retry_after = 0; // seconds; a header of the response if it is not 0
};

asio::awaitable<response> handle(ferry::thread_pool& pool, auto query) {
    try {
        std::string rows = co_await ferry::run_in_executor(pool, query);
        co_return response{.body = std::move(rows)};
    } catch (const ferry::queue_full_error& e) {
        const auto wait = std::chrono::ceil<std::chrono::seconds>(e.retry_after());
        co_return response{.status = 503, .retry_after = std::max<long>(1, wait.count())};
    }
}

} // namespace

int main() {
    ferry::thread_pool pool(
        {.max_workers = 1, .max_queue = 1, .when_full = ferry::when_full::reject});
    std::latch started(1), go_on(1);
    const auto query = [] { return std::string("rows"); };
    const auto busy = pool.submit([&] {
        started.count_down();
        go_on.wait();
    });
    started.wait();
    const auto queued = pool.submit(query); // the one place in the queue

    const response refused = ferry::run(handle(pool, query));
    std::cout << refused.status << ", Retry-After: " << refused.retry_after << '\n';

    go_on.count_down();
    queued.wait();
    const response served = ferry::run(handle(pool, query));
    std::cout << served.status << ", " << served.body << '\n';
}
