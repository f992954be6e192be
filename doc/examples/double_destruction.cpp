// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
// How to see whether a compiler destroys what a co_await expression makes twice.
#include <ferry/ferry.hpp>

#include <boost/asio/this_coro.hpp>

#include <iostream>

namespace asio = boost::asio;

namespace {

struct counted {
    counted() { ++alive; }
    counted(const counted&) { ++alive; }
    ~counted() { --alive; }
    static inline int alive = 0;
};

template <class F>
asio::awaitable<void> take(F) {
    co_return;
}

asio::awaitable<void> faulty() {
    counted c;
    co_await take([c] {});
    std::cerr << "made within co_await: " << counted::alive << " alive, should be 1\n";
}

asio::awaitable<void> sound() {
    counted c;
    auto named = [c] {};
    co_await take(named);
    std::cout << "named before: " << counted::alive << " alive, should be 2\n";
}

} // namespace

int main() {
    ferry::run(faulty()); // g++ 12: 0 alive
    counted::alive = 0;
    ferry::run(sound());
}
