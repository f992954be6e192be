// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
// Finds the handler that blocks the event loop, and says what to do instead.
// Python: asyncio's debug mode, which reports slow callbacks after they have ended.
#include <ferry/ferry.hpp>

#include <atomic>
#include <iostream>

namespace asio = boost::asio;
using namespace std::chrono_literals;

namespace {

std::atomic<bool> found{false};

// By default the report goes to stderr, with the stack of the thread.
void report(const ferry::late_loop& late) {
    std::cout << "late: " << (late.label.empty() ? "?" : late.label) << '\n' << late.advice << '\n';
    found = true;
}

} // namespace

int main() {
    asio::io_context io;
    ferry::thread_pool pool(1);
    const ferry::loop_watch watch(io, {.limit = 50ms, .report = report});
    const auto work = asio::make_work_guard(io);
    io.run_one(); // a function of the watch, which knows this thread now

    asio::post(io, [&] {
        const auto until_found = [] {
            while (!found)
                std::this_thread::sleep_for(1ms);
        };
        pool.submit({.label = "load the users"}, until_found).result(); // blocks the loop
    });
    while (!found)
        io.run_one();
}
