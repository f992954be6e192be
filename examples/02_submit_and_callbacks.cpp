// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
// Calls go to a pool and come back as futures; a callback runs in the thread that completes one.
// Python: `executor.submit(f, *args)`, `future.add_done_callback(g)`.
#include <ferry/ferry.hpp>

#include <iostream>
#include <stdexcept>
#include <string>

namespace {

int multiply(int a, int b) { return a * b; }

} // namespace

int main() {
    ferry::future<int> answer;
    {
        ferry::thread_pool pool(1); // one thread, so that the lines come in order

        answer = pool.submit(multiply, 6, 7);
        answer.add_done_callback([](ferry::future<int> done) {
            std::cout << "callback: " << done << ", " << done.result() << '\n';
        });

        ferry::future<std::string> word = pool.submit([] { return std::string("ferry"); });
        word.add_done_callback([](ferry::future<std::string> done) {
            std::cout << "callback: " << done.result() << '\n';
        });

        ferry::future<void> nothing = pool.submit([] { throw std::runtime_error("no such file"); });
        nothing.add_done_callback([](ferry::future<void> done) { // failures come here too
            std::cout << "callback: " << done << '\n';
        });
    } // as at the end of a `with` block: all tasks and their callbacks have run

    std::cout << "6 * 7 = " << answer.result() << '\n'; // futures outlive their pool
    answer.add_done_callback([](ferry::future<int>) { std::cout << "too late: runs at once\n"; });
}
