// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
// The same work twice: with threads, a mutex and a vector of exceptions made by hand, and with a
// pool. Python: `threading.Thread` against `ThreadPoolExecutor`.
#include <ferry/ferry.hpp>

#include <cstddef>
#include <exception>
#include <iostream>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace {

std::size_t length_of(const std::string& page) {
    if (page.empty())
        throw std::runtime_error("empty page");
    return page.size();
}

/// A thread for each page, however many there are. A thread has no result, so there is a place for
/// each; an exception that left its function would end the program, so each is caught and kept.
std::size_t with_raw_threads(const std::vector<std::string>& pages) {
    std::mutex mutex;
    std::size_t total = 0;
    std::vector<std::exception_ptr> failures;
    std::vector<std::thread> threads;
    for (const std::string& page : pages) {
        threads.emplace_back([&mutex, &total, &failures, &page] {
            try {
                const std::size_t length = length_of(page);
                const std::lock_guard lock(mutex);
                total += length;
            } catch (...) {
                const std::lock_guard lock(mutex);
                failures.push_back(std::current_exception());
            }
        });
    }
    for (std::thread& thread : threads)
        thread.join();
    for (const std::exception_ptr& failure : failures)
        std::rethrow_exception(failure); // the first; the others are lost
    return total;
}

/// At most four threads. The result of each call, or its exception, comes back in its place.
std::size_t with_a_pool(const std::vector<std::string>& pages) {
    ferry::thread_pool pool(4);
    std::size_t total = 0;
    for (std::size_t length : pool.map(length_of, pages))
        total += length;
    return total;
}

void compare(const std::vector<std::string>& pages) {
    for (auto* const sum : {&with_raw_threads, &with_a_pool}) {
        try {
            std::cout << sum(pages) << " characters\n";
        } catch (const std::runtime_error& e) {
            std::cout << "failed: " << e.what() << '\n';
        }
    }
}

} // namespace

int main() {
    compare({"one", "two", "three", "four", "five", "six"});
    compare({"one", "", "three"});
}
