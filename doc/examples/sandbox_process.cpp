// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
// A parser that nobody trusts, in a worker process with limits.
#include <ferry/process.hpp>

#include <chrono>
#include <csignal>
#include <iostream>
#include <stdexcept>
#include <string>
#include <vector>

using namespace std::chrono_literals;

namespace {

int parse(const std::string& text) {
    if (text == "crash")
        std::raise(SIGSEGV);
    while (text == "loop") {
    }
    if (text == "bad")
        throw std::invalid_argument("not a number");
    return std::stoi(text);
}

ferry::process_pool_options confined() {
    ferry::process_pool_options options;
    options.max_workers = 1;
    options.limits = {.memory = std::size_t(512) << 20, .open_files = 32};
    options.kill_grace = 100ms;
    options.quarantine_after = 2; // an input that killed two workers is not tried again
    return options;
}

} // namespace

int main() {
    ferry::run_worker_if_spawned();
    ferry::process_pool pool(confined());
    const std::vector<std::string> inputs{"12", "bad", "loop", "crash", "crash", "crash", "13"};
    for (const std::string& text : inputs) {
        try {
            const auto f = pool.submit({.label = "parse", .timeout = 1s}, parse, text);
            const int number = f.result();
            std::cout << text << ": " << number << '\n';
        } catch (const std::invalid_argument& e) { // the same type as in the worker
            std::cout << text << ": " << e.what() << '\n';
        } catch (const ferry::timeout_error&) { // the worker was ended and replaced
            std::cout << text << ": too slow\n";
        } catch (const ferry::quarantined_error& e) {
            std::cout << text << ": refused after " << e.deaths() << " deaths\n";
        } catch (const ferry::worker_died& e) {
            std::cout << text << ": died of signal " << e.signal().value_or(0) << '\n';
        }
    }
}
