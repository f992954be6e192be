// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
// A strand over a pool: the blocking calls on one connection never overlap and keep their order,
// while those on another connection run at the same time. Asio: `make_strand`, here with results.
#include <ferry/ferry.hpp>

#include <boost/asio/strand.hpp>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <iostream>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace asio = boost::asio;
using namespace std::chrono_literals;

namespace {

/// One database connection: not for two threads at a time.
class connection {
public:
    std::size_t execute(int statement) {
        if (busy_.exchange(true))
            throw std::logic_error("two threads use one connection");
        std::this_thread::sleep_for(20ms);
        log_.push_back(statement);
        busy_ = false;
        return log_.size();
    }
    const std::vector<int>& log() const { return log_; }

private:
    std::atomic<bool> busy_{false};
    std::vector<int> log_;
};

} // namespace

int main() {
    connection first, second;
    ferry::thread_pool pool(4);
    const auto on_first = asio::make_strand(pool.get_executor());
    const auto on_second = asio::make_strand(pool.get_executor());

    const auto start = std::chrono::steady_clock::now();
    std::vector<ferry::future<std::size_t>> calls;
    for (int statement = 1; statement <= 6; ++statement) {
        calls.push_back(ferry::submit(on_first, &connection::execute, &first, statement));
        calls.push_back(ferry::submit(on_second, &connection::execute, &second, -statement));
    }
    for (const auto& call : calls)
        call.result(); // throws if two calls on one connection overlapped
    const std::chrono::duration<double, std::milli> took = std::chrono::steady_clock::now() - start;

    for (const connection* c : {&first, &second}) {
        for (int statement : c->log())
            std::cout << statement << ' ';
        std::cout << '\n';
    }
    std::cout << calls.size() << " statements of 20 ms took " << static_cast<int>(took.count())
              << " ms\n";
}
