// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include <ferry/ferry.hpp>

int main() {
    ferry::thread_pool pool(1);
    try {
        pool.submit([](int n) { return n == 6 ? throw ferry::timeout_error("caught here") : n; }, 6)
            .result();
    } catch (const ferry::timeout_error&) { // thrown in the consumer, carried by the library
        return pool.submit([](int a, int b) { return a * b; }, 6, 7).result() == 42 ? 0 : 1;
    }
    return 1;
}
