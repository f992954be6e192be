// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
// The rungs of a cancellation that threads have: out of the queue, asked to stop, abandoned.
#include <ferry/ferry.hpp>

#include <chrono>
#include <iostream>
#include <latch>
#include <stop_token>
#include <string>
#include <thread>

namespace asio = boost::asio;
using namespace std::chrono_literals;

namespace {

/// Gives up after 300 ms, and says what came of the call.
template <class Call>
asio::awaitable<void> give_up(const char* what, Call call) {
    try {
        const std::string value = co_await ferry::wait_for(std::move(call), 300ms);
        std::cout << what << ": " << value << '\n';
    } catch (const ferry::timeout_error&) {
        std::cout << what << ": timeout_error\n";
    }
}

/// The pool passes a stop token because the function takes one.
std::string cooperative(std::stop_token stop) {
    while (!stop.stop_requested())
        std::this_thread::sleep_for(1ms);
    return "stopped early, and here is what there was";
}

asio::awaitable<void> climb(ferry::thread_pool& pool) {
    std::latch let_go(1);
    bool ran = false;
    const auto stubborn = [&let_go] { // nothing can stop it
        let_go.wait();
        return std::string();
    };
    const auto never = [&ran] {
        ran = true;
        return std::string();
    };

    co_await give_up("running, takes a token", ferry::run_in_executor(pool, cooperative));
    co_await give_up("running, takes none", ferry::run_in_executor(pool, stubborn));
    // The only thread is still in that call, so this one cannot start.
    co_await give_up("not started", ferry::run_in_executor(pool, never));
    let_go.count_down();
    pool.shutdown();
    std::cout << "it never ran: " << std::boolalpha << !ran << '\n';
}

} // namespace

int main() {
    ferry::thread_pool pool(1);
    ferry::run(climb(pool));
}
