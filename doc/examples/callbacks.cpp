// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
// What a callback may do, and what belongs into a task instead.
#include <ferry/ferry.hpp>

#include <exception>
#include <iostream>
#include <stdexcept>
#include <string>
#include <thread>

namespace {

std::string page(int n) { return "page " + std::to_string(n); }
std::string render(std::string text) { return "<p>" + text + "</p>"; }

} // namespace

int main() {
    ferry::set_unhandled_callback([](std::exception_ptr error) {
        try {
            std::rethrow_exception(error);
        } catch (const std::exception& e) {
            std::cout << "escaped from a callback: " << e.what() << '\n';
        }
    });
    ferry::promise<ferry::future<std::string>> handed_on;
    {
        ferry::thread_pool pool(1);
        ferry::future<std::string> f = pool.submit(page, 1);
        f.add_done_callback([&](ferry::future<std::string> done) { // short: hands the work on
            handed_on.set_value(pool.submit(render, done.result()));
        });
        std::cout << handed_on.get_future().result().result() << '\n';

        pool.submit(page, 2).add_done_callback(
            [](ferry::future<std::string>) { throw std::runtime_error("not caught"); });
    } // callbacks have run when the pool is gone

    ferry::promise<int> late;
    late.set_value(1);
    const auto here = std::this_thread::get_id();
    late.get_future().add_done_callback([here](ferry::future<int>) {
        std::cout << "at once, in the caller: " << std::boolalpha
                  << (std::this_thread::get_id() == here) << '\n';
    });
}
