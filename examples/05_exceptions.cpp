// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
// What a task throws comes out where its result is asked for, and concerns no other task.
// Python: `future.result()`, `future.exception()`, and a dictionary from futures to inputs.
#include <ferry/ferry.hpp>

#include <charconv>
#include <iostream>
#include <ranges>
#include <stdexcept>
#include <string>
#include <system_error>
#include <unordered_map>
#include <vector>

namespace {

int parse(const std::string& text) {
    int n = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), n);
    if (error == std::errc::result_out_of_range)
        throw std::out_of_range("too large");
    if (error != std::errc() || end != text.data() + text.size())
        throw std::invalid_argument("not a number");
    return n;
}

} // namespace

int main() {
    ferry::thread_pool pool(4);
    const std::vector<std::string> inputs{"12", "1O0", "7", "99999999999", "", "3"};

    // A future is a key: the input is found again whatever the order of completion.
    std::unordered_map<ferry::future<int>, std::string> input_of;
    for (const auto& text : inputs)
        input_of.emplace(pool.submit(parse, text), text);
    for (ferry::future<int> f : ferry::as_completed(std::views::keys(input_of))) {
        if (f.exception() == nullptr)
            std::cout << '\'' << input_of[f] << "' is " << f.result() << '\n';
        else
            std::cout << '\'' << input_of[f] << "': " << f << '\n';
    }

    // In the order of the input, and on behind an element that failed.
    int sum = 0;
    auto numbers = pool.map(parse, inputs);
    for (auto n = numbers.begin(); n != numbers.end(); ++n) {
        try {
            sum += *n;
        } catch (const std::logic_error& e) {
            std::cout << "left out: " << e.what() << '\n';
        }
    }
    std::cout << "the sum of the others is " << sum << '\n';
}
