// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
// Who owns what, and what may end before what.
#include <ferry/ferry.hpp>

#include <boost/asio/io_context.hpp>

#include <iostream>
#include <memory>
#include <string>
#include <utility>

namespace asio = boost::asio;

namespace {

struct cargo {
    explicit cargo(std::string n) : name(std::move(n)) {}
    cargo(const cargo&) = delete;
    cargo& operator=(const cargo&) = delete;
    ~cargo() { std::cout << "the " << name << " is destroyed\n"; }
    std::string name;
};

asio::awaitable<std::string> weigh(ferry::thread_pool& pool) {
    auto owned = std::make_shared<cargo>("crate");
    const auto call = [owned] { return "weighed the " + owned->name; }; // owns; does not borrow
    owned.reset();
    co_return co_await ferry::run_in_executor(pool, call);
}

} // namespace

int main() {
    ferry::future<std::string> f;
    {
        ferry::thread_pool pool(1);  // first the pool,
        asio::io_context context(1); // then the contexts whose coroutines use it
        f = ferry::run_coroutine_threadsafe(context.get_executor(), weigh(pool));
        context.run();
    } // the context ends first, then the pool waits for its tasks
    std::cout << f.result() << '\n'; // a future outlives both

    // The callable and its arguments are gone before the future is ready.
    ferry::thread_pool pool(1);
    auto barrel = std::make_unique<cargo>("barrel");
    pool.submit([](std::unique_ptr<cargo> c) { return c->name; }, std::move(barrel)).wait();
    std::cout << "the future is ready\n";
}
