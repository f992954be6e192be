// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
// One list of calls, three ways to get at the results.
#include <ferry/ferry.hpp>

#include <algorithm>
#include <iostream>
#include <ranges>
#include <string>
#include <unordered_map>
#include <vector>

namespace {

int length_of(const std::string& word) { return static_cast<int>(word.size()); }

void one_call(ferry::thread_pool& pool) {
    ferry::future<int> f = pool.submit(length_of, "quay");
    std::cout << "submit: " << f.result() << '\n';
}

void in_the_order_of_the_input(ferry::thread_pool& pool, const std::vector<std::string>& words) {
    std::cout << "map:";
    for (int length : pool.map(length_of, words))
        std::cout << ' ' << length;
    std::cout << '\n';
}

void in_the_order_of_completion(ferry::thread_pool& pool, const std::vector<std::string>& words) {
    std::unordered_map<ferry::future<int>, std::string> word_of;
    for (const std::string& word : words)
        word_of.emplace(pool.submit(length_of, word), word);
    std::size_t right = 0;
    for (ferry::future<int> f : ferry::as_completed(std::views::keys(word_of))) {
        const std::string& word = word_of.at(f); // which input this is the result of
        right += f.result() == length_of(word) ? 1 : 0;
    }
    std::cout << "as_completed: " << right << " results\n";
}

void until_the_first_failure(ferry::thread_pool& pool, const std::vector<std::string>& words) {
    std::vector<ferry::future<int>> futures;
    for (const std::string& word : words)
        futures.push_back(pool.submit(length_of, word));
    auto [done, not_done] =
        ferry::wait(futures, {.return_when = ferry::return_when::first_exception});
    std::cout << "wait: " << done.size() << " done, " << not_done.size() << " not\n";
}

} // namespace

int main() {
    const std::vector<std::string> words{"bow", "stern", "keel"};
    ferry::thread_pool pool(2);
    one_call(pool);
    in_the_order_of_the_input(pool, words);
    in_the_order_of_completion(pool, words);
    until_the_first_failure(pool, words);
}
