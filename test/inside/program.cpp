// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
// A program that others look into: it prints `ready` and hangs until its input ends.
#include <ferry/ferry.hpp>

#include "helpers/gate.hpp"

#include <atomic>
#include <iostream>
#include <string>
#include <vector>

namespace asio = boost::asio;
using namespace std::chrono_literals;

namespace {

gate everything_hangs;

void read_the_disk() { everything_hangs.pass(); }

// A coroutine with a gather of three, a group and two pools, all of which hang.
asio::awaitable<void> hang(ferry::thread_pool& disk, ferry::thread_pool& cpu,
                           std::atomic<int>& started) {
    const auto block = [&started] {
        ++started;
        everything_hangs.pass();
    };
    const auto in_group = [&](ferry::task_group& g) -> asio::awaitable<void> {
        const auto member = [&]() -> asio::awaitable<void> {
            ferry::task_options o{.label = "compress"};
            co_await ferry::run_in_executor(cpu, o, block);
        };
        g.spawn(member());
        ferry::task_options o{.label = "index"};
        co_await ferry::run_in_executor(cpu, o, block);
    };
    const auto load = [&](std::string label) -> asio::awaitable<void> {
        ferry::task_options o{.label = label};
        co_await ferry::run_in_executor(disk, o, block);
    };
    const auto group = [&]() -> asio::awaitable<void> {
        co_await ferry::with_task_group(in_group);
    };
    co_await ferry::gather(load("load \"users\""), load("load\nitems"), group());
}

} // namespace

int main(int argc, char** argv) {
    const std::string mode = argc > 1 ? argv[1] : "hang";
    if (mode == "none") { // no pool
        std::cout << "ready" << std::endl;
        std::cin.get();
        return 0;
    }
    ferry::thread_pool disk({.max_workers = 1, .name = "disk"}),
        cpu({.max_workers = 2, .name = "cpu"});
    std::atomic<int> started{0};
    std::thread input([&] {
        while (started.load() < 3)
            std::this_thread::yield();
        disk.submit(read_the_disk);
        std::cout << "ready" << std::endl;
        std::cin.get();
        everything_hangs.open();
    });
    ferry::run(hang(disk, cpu, started));
    input.join();
    if (mode == "trace")
        ferry::dump_trace(argv[2]);
    return 0;
}
