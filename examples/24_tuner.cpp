// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
// How many workers suit a function of your own? Measure it: `tuner.hpp` calls it in pools of
// several sizes and draws the curve. Python: a loop over `max_workers` with `time.perf_counter`.
#include "tuner.hpp"

#include <chrono>
#include <iostream>
#include <thread>

using namespace std::chrono_literals;

int main() {
    const auto my_function = [] { std::this_thread::sleep_for(5ms); }; // put your own here
    const auto curve = tune(my_function, {1, 2, 4, 8, 16}, 32);
    draw(std::cout, curve);
    std::cout << "use " << best_size(curve) << " workers\n";
}
