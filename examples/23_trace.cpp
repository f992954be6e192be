// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
// The flight recorder: what the pools did last, for ui.perfetto.dev. From outside, also of a
// program that hangs: `ferry trace PID > trace.json`. Python: there is none in the standard
// library.
#include <ferry/ferry.hpp>

#include <iostream>

namespace asio = boost::asio;
using namespace std::chrono_literals;

namespace {

asio::awaitable<void> work(ferry::thread_pool& pool) {
    const auto nap = [] { std::this_thread::sleep_for(5ms); };
    ferry::task_options load{.label = "load"}, save{.label = "save"};
    co_await ferry::gather(ferry::run_in_executor(pool, load, nap),
                           ferry::run_in_executor(pool, load, nap),
                           ferry::run_in_executor(pool, save, nap));
}

} // namespace

int main(int argc, char** argv) {
    ferry::thread_pool pool({.max_workers = 2, .name = "disk"});
    ferry::run(work(pool));
    const std::string path = argc > 1 ? argv[1] : "trace.json";
    ferry::dump_trace(path);
    std::cout << "open " << path << " in ui.perfetto.dev\n";
}
