// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
// One function for all items, with the successes and the failures apart, and each failure with its
// item. Python: `{executor.submit(f, x): x for x in items}` and `as_completed`.
#include "parallel_pipeline.hpp"

#include <algorithm>
#include <exception>
#include <iostream>
#include <stdexcept>
#include <string>
#include <vector>

namespace {

int stock_of(const std::string& item) {
    if (item == "oakum")
        throw std::runtime_error("no such item");
    return static_cast<int>(item.size());
}

} // namespace

int main() {
    const std::vector<std::string> items{"rope", "tar", "oakum", "sailcloth"};
    const auto progress = [](std::size_t done, std::size_t total) {
        std::cerr << '\r' << done << '/' << total << (done == total ? "\n" : "") << std::flush;
    };
    auto [successes, failures] = parallel_pipeline(items, stock_of, 3, progress);

    std::ranges::sort(successes);
    for (const auto& [item, stock] : successes)
        std::cout << item << ": " << stock << '\n';
    for (const auto& [item, error] : failures) {
        try {
            std::rethrow_exception(error);
        } catch (const std::exception& e) {
            std::cout << item << " failed: " << e.what() << '\n';
        }
    }
}
