// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <ferry/ferry.hpp>

#include <cstddef>
#include <exception>
#include <functional>
#include <ranges>
#include <string>
#include <type_traits>
#include <unordered_map>
#include <utility>
#include <vector>

/// The outcome of `parallel_pipeline`: each item is in one of the two lists, in the order of
/// completion.
template <class Item, class Result>
struct pipeline_outcome {
    struct failure {
        Item item;
        std::exception_ptr error;
    };
    std::vector<std::pair<Item, Result>> successes;
    std::vector<failure> failures;
};

/// Calls `fn(item)` for each item in a pool of `workers` threads and returns what succeeded and
/// what failed. `on_progress(done, total)` is called in this thread after each item. Blocks until all
/// items are done.
template <std::ranges::input_range Items, class F>
auto parallel_pipeline(Items&& items, F fn, std::size_t workers,
                       const std::function<void(std::size_t, std::size_t)>& on_progress = {}) {
    using item = std::ranges::range_value_t<Items>;
    using result = std::decay_t<std::invoke_result_t<F, item>>;
    pipeline_outcome<item, result> outcome;
    ferry::thread_pool pool(workers);
    std::unordered_map<ferry::future<result>, item> item_of;
    for (const item& i : items)
        item_of.emplace(pool.submit(fn, i), i);
    std::size_t done = 0;
    for (ferry::future<result> f : ferry::as_completed(std::views::keys(item_of))) {
        item& i = item_of.at(f);
        if (auto error = f.exception())
            outcome.failures.push_back({std::move(i), std::move(error)});
        else
            outcome.successes.emplace_back(std::move(i), f.result());
        if (on_progress)
            on_progress(++done, item_of.size());
    }
    return outcome;
}
