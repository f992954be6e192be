// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
// A pipeline: orders are fetched by threads that mostly wait, and each is priced as soon as it is
// there. Progress on stderr; then what went well, and what failed, where and why.
#include <ferry/ferry.hpp>

#include <chrono>
#include <cstddef>
#include <exception>
#include <iostream>
#include <map>
#include <ranges>
#include <sstream>
#include <stdexcept>
#include <string>
#include <thread>
#include <unordered_map>
#include <utility>

using namespace std::chrono_literals;

namespace {

using failures = std::map<int, std::string>; // in the order of their numbers

template <class T>
using work = std::unordered_map<ferry::future<T>, int>; // the number of the order

std::string fetch(int id) {
    std::this_thread::sleep_for(id % 5 * 4ms); // a server
    if (id % 9 == 0)
        throw std::runtime_error("no such order");
    return (id % 7 == 0 ? "many" : std::to_string(id)) + " 25";
}

long price(const std::string& order) {
    std::istringstream in(order);
    long pieces = 0;
    long cents = 0;
    if (!(in >> pieces >> cents))
        throw std::invalid_argument("cannot read '" + order + "'");
    return pieces * cents;
}

/// Hands on each result as soon as it is there, and writes down what failed.
template <class T, class Next>
void finish(const char* stage, work<T>& started, failures& failed, Next next) {
    std::size_t done = 0;
    for (ferry::future<T> f : ferry::as_completed(std::views::keys(started))) {
        const int id = started[f];
        try {
            next(id, std::move(f).result());
        } catch (const std::exception& e) {
            failed[id] = std::string(stage) + ": " + e.what();
        }
        std::cerr << '\r' << stage << ' ' << ++done << '/' << started.size() << std::flush;
    }
    std::cerr << '\n';
}

} // namespace

int main() {
    ferry::thread_pool waiting(16);
    ferry::thread_pool computing(ferry::cpu_bound_workers());
    work<std::string> fetched;
    work<long> priced;
    std::map<int, long> prices;
    failures failed;

    for (int id = 1; id <= 40; ++id)
        fetched.emplace(waiting.submit(fetch, id), id);
    finish("fetch", fetched, failed, [&](int id, std::string order) {
        priced.emplace(computing.submit(price, std::move(order)), id);
    });
    finish("price", priced, failed, [&](int id, long cents) { prices[id] = cents; });

    long total = 0;
    for (const auto& [id, cents] : prices)
        total += cents;
    std::cout << prices.size() << " orders, " << total << " cents; " << failed.size()
              << " failed:\n";
    for (const auto& [id, why] : failed)
        std::cout << "  order " << id << ", " << why << '\n';
}
