// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
// What tokio's tasks and blocking pool look like here.
#include <ferry/ferry.hpp>

#include <chrono>
#include <future>
#include <iostream>
#include <string>
#include <utility>

namespace asio = boost::asio;
using namespace std::chrono_literals;

namespace {

std::string hash(std::string file) { return "hash of " + file; }

asio::awaitable<std::string> hash_later(std::string file) {
    co_return co_await ferry::to_thread(hash, std::move(file)); // spawn_blocking(..).await
}

asio::awaitable<void> hash_all() {
    const auto body = [](ferry::task_group& group) -> asio::awaitable<std::string> { // JoinSet
        ferry::future<std::string> a = group.spawn(hash_later("a"));
        ferry::future<std::string> b = group.spawn(hash_later("b"));
        co_return co_await a.async_result() + ", " + co_await b.async_result();
    };
    std::cout << co_await ferry::with_task_group(body) << '\n';

    std::promise<void> finish;
    const auto slow = [finished = finish.get_future().share()] { finished.wait(); };
    try {
        co_await ferry::wait_for(ferry::to_thread(slow), 10ms); // timeout(10 ms, ..).await
    } catch (const ferry::timeout_error&) {
        std::cout << "elapsed\n"; // the thread finishes by itself, in both
    }
    finish.set_value();
}

} // namespace

int main() { ferry::run(hash_all()); } // #[tokio::main]
