// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
// The lines that somebody who comes from Python looks for first.
#include <ferry/ferry.hpp>

#include <chrono>
#include <iostream>
#include <ranges>
#include <string>
#include <vector>

namespace asio = boost::asio;
using namespace std::chrono_literals;

namespace {

int square(int n) { return n * n; }

void concurrent_futures() {
    ferry::thread_pool pool(4); // with ThreadPoolExecutor(4) as pool:

    ferry::future<int> f = pool.submit(square, 7); // f = pool.submit(square, 7)
    std::cout << f.result() << '\n';               // print(f.result())

    for (int n :
         pool.map(square, std::views::iota(1, 4))) // for n in pool.map(square, range(1, 4)):
        std::cout << n << '\n';                    //     print(n)

    std::vector<ferry::future<int>> fs{f, pool.submit(square, 8)};
    for (ferry::future<int> done : ferry::as_completed(fs, 10s)) // as_completed(fs, timeout=10)
        static_cast<void>(done);
    auto [done, not_done] =
        ferry::wait(fs, {.timeout = 1s});  // done, not_done = wait(fs, timeout=1)
    std::cout << done.size() << " done\n"; // print(len(done), "done")
}

asio::awaitable<void> offloading() {
    int n = co_await ferry::to_thread(square, 9); // n = await asyncio.to_thread(square, 9)
    auto [a, b] = co_await ferry::gather(ferry::to_thread(square, 2), ferry::to_thread(square, 3));
    std::cout << n << ' ' << a << ' ' << b << '\n';
}

} // namespace

int main() {
    concurrent_futures();
    ferry::run(offloading()); // asyncio.run(offloading())
}
