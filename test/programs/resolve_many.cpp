// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
// A hundred lookups at a name server that never answers, and what they cost; for resolve.py.
#include <ferry/ferry.hpp>
#include <ferry/process.hpp>

#include <boost/asio/co_spawn.hpp>

#include <chrono>
#include <cstdio>
#include <filesystem>
#include <iterator>
#include <string>
#include <vector>

namespace asio = boost::asio;
using namespace std::chrono_literals;

namespace {

constexpr auto limit = 1s;
constexpr int lookups = 100;

std::size_t threads() {
    using iterator = std::filesystem::directory_iterator;
    return static_cast<std::size_t>(std::distance(iterator("/proc/self/task"), iterator()));
}

int adds(int a, int b) { return a + b; }

asio::awaitable<int> measure(ferry::process_pool& processes, ferry::thread_pool& pool) {
    const std::size_t threads_before = threads();
    const auto start = std::chrono::steady_clock::now();
    std::vector<asio::awaitable<asio::ip::tcp::resolver::results_type>> all;
    for (int i = 0; i != lookups; ++i)
        all.push_back(ferry::resolve("host" + std::to_string(i) + ".test", "80", limit));
    auto results = ferry::gather(ferry::return_exceptions, std::move(all));
    auto side = ferry::run_in_executor(processes, adds, 1, 2);
    auto both = ferry::gather(std::move(results), std::move(side));
    auto [outcomes, sum] = co_await std::move(both);
    const auto took = std::chrono::steady_clock::now() - start;
    int timed_out = 0;
    for (const auto& o : outcomes) {
        try {
            if (o.has_error())
                std::rethrow_exception(o.error());
        } catch (const ferry::timeout_error&) {
            ++timed_out;
        } catch (const std::exception& e) {
            std::printf("another error: %s\n", e.what());
        }
    }
    const auto again = std::chrono::steady_clock::now();
    auto numeric = ferry::resolve("127.0.0.1", "80", 2min);
    const auto found = co_await std::move(numeric);
    std::printf("%d of %d timed out after %.2f s; %zu threads more; then %zu result after %.2f s\n",
                timed_out, lookups, std::chrono::duration<double>(took).count(),
                threads() - threads_before, found.size(),
                std::chrono::duration<double>(std::chrono::steady_clock::now() - again).count());
    co_return timed_out == lookups&& sum == 3 && found.size() == 1 &&
            took >= limit&& pool.submit([] { return 1; }).result() == 1
        ? 0
        : 1;
}

} // namespace

int main() {
    ferry::run_worker_if_spawned();
    ferry::process_pool processes(1);
    ferry::thread_pool pool(1);
    return ferry::run(measure(processes, pool));
}
