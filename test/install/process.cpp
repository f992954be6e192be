// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include <ferry/process.hpp>

#include <stdexcept>

int multiplied(int a, int b) { return a < 0 ? throw std::out_of_range("negative") : a * b; }

int main() {
    ferry::run_worker_if_spawned();
    ferry::process_pool pool(1);
    try {
        pool.submit(multiplied, -1, 0).result();
    } catch (const std::out_of_range&) {
        return pool.submit(multiplied, 6, 7).result() == 42 ? 0 : 1;
    }
    return 1;
}
