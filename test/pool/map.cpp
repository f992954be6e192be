// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include <ferry/map.hpp>

#include "helpers/gate.hpp"

#define BOOST_TEST_MODULE map
#include <boost/test/unit_test.hpp>

#include <atomic>
#include <numeric>
#include <sstream>
#include <stdexcept>

using namespace ferry;
using namespace std::chrono_literals;

namespace {

int square(int n) { return n * n; }

template <class View>
std::vector<int> collect(View&& view) {
    std::vector<int> all;
    for (auto&& v : view)
        all.push_back(v);
    return all;
}

template <class F, class... Ranges>
concept mappable = requires(thread_pool& p, F f, Ranges... r) {
    p.map(f, r...);
    p.map(map_options(), f, r...);
};

} // namespace

BOOST_AUTO_TEST_CASE(what_does_not_fit_the_elements_is_refused_by_a_constraint) {
    static_assert(mappable<int (*)(int), std::vector<int>>);
    static_assert(mappable<int (*)(std::stop_token, int), std::vector<int>>);
    static_assert(!mappable<int (*)(int), std::vector<std::string>>);
    static_assert(!mappable<int (*)(int), std::vector<int>, std::vector<int>>);
    static_assert(!mappable<boost::asio::awaitable<int> (*)(int), std::vector<int>>);
}

BOOST_AUTO_TEST_CASE(results_come_in_the_order_of_the_input) { // CF-MAP-01 CF-MAP-20 CF-MAP-19
    thread_pool pool(3);
    const std::vector<int> in{5, 4, 3, 2, 1};
    const std::vector<int> out{25, 16, 9, 4, 1};
    BOOST_TEST(collect(pool.map(square, in)) == out, boost::test_tools::per_element());
    for (std::size_t chunk : {1u, 2u, 5u, 100u})
        BOOST_TEST(collect(pool.map({.chunksize = chunk}, square, in)) == out,
                   boost::test_tools::per_element());
    const auto sums =
        collect(pool.map([](int a, int b) { return a + b; }, in, std::vector{1, 1, 1}));
    BOOST_TEST((sums == std::vector{6, 5, 4})); // CF-MAP-02
    BOOST_TEST(collect(pool.map(square, std::vector<int>())).empty());
    BOOST_TEST((collect(pool.map(square, std::vector{7})) == std::vector{49}));
    static_assert(std::ranges::input_range<map_view<int>>);
}

BOOST_AUTO_TEST_CASE(a_failure_comes_at_its_place_and_the_rest_behind_it) { // CF-MAP-03
    thread_pool pool(2);
    auto view = pool.map(
        [](int n) {
            if (n == 2)
                throw std::out_of_range("two");
            return n;
        },
        std::vector{1, 2, 3});
    auto it = view.begin();
    BOOST_TEST(*it == 1);
    ++it;
    BOOST_CHECK_THROW(*it, std::out_of_range);
    ++it;
    BOOST_TEST(*it == 3);
    ++it;
    BOOST_TEST((it == view.end()));
}

BOOST_AUTO_TEST_CASE(the_timeout_counts_from_the_call) { // CF-MAP-06
    gate go;
    thread_pool pool(1);
    bool ran = false;
    {
        auto view = pool.map(
            {.timeout = 20ms},
            [&](int n) {
                if (n == 1)
                    go.pass();
                if (n == 2)
                    ran = true;
                return n;
            },
            std::vector{0, 1, 2});
        auto it = view.begin();
        BOOST_TEST(*it == 0);
        ++it;
        BOOST_CHECK_THROW(*it, timeout_error);
        BOOST_TEST((it == view.end()));
    }
    go.open();
    pool.shutdown();
    BOOST_TEST(!ran);
}

BOOST_AUTO_TEST_CASE(all_calls_are_submitted_without_reading) { // CF-MAP-10
    std::atomic<int> n{0};
    {
        thread_pool pool(2);
        static_cast<void>(pool.map([&](int) { ++n; }, std::vector{1, 2, 3, 4}));
    }
    BOOST_TEST(n == 4);
}

BOOST_AUTO_TEST_CASE(destroying_a_view_that_was_read_cancels_the_rest) { // CF-MAP-10 -25
    std::atomic<int> n{0};
    gate go;
    thread_pool pool(1);
    {
        auto view = pool.map(
            [&](int i) {
                if (i == 1)
                    go.pass();
                ++n;
                return i;
            },
            std::vector{0, 1, 2, 3, 4});
        BOOST_TEST(*view.begin() == 0);
    }
    go.open();
    pool.shutdown();
    BOOST_TEST(n <= 2);
}

BOOST_AUTO_TEST_CASE(zero_is_refused_at_the_call) { // CF-MAP-11 CF-MAP-18
    thread_pool pool(1);
    BOOST_CHECK_THROW(pool.map({.buffersize = 0}, square, std::vector{1}), std::invalid_argument);
    BOOST_CHECK_THROW(pool.map({.chunksize = 0}, square, std::vector{1}), std::invalid_argument);
    BOOST_CHECK_THROW(pool.map({.buffersize = -1}, square, std::vector{1}),
                      std::invalid_argument); // CF-MAP-12
}

BOOST_AUTO_TEST_CASE(
    a_buffer_changes_nothing_but_the_reading_ahead) { // CF-MAP-13 CF-MAP-15 CF-MAP-17
    thread_pool pool(2);
    const std::vector<int> in{1, 2, 3, 4};
    const std::vector<int> out{1, 4, 9, 16};
    for (std::size_t k : {1u, 2u, 4u, 8u}) {
        BOOST_TEST((collect(pool.map({.buffersize = k}, square, in)) == out));
        BOOST_TEST((collect(pool.map({.timeout = 1h, .buffersize = k}, std::multiplies<int>(), in,
                                     in)) == out));
    }
    BOOST_TEST(collect(pool.map({.buffersize = 3}, square, std::vector<int>())).empty());
}

BOOST_AUTO_TEST_CASE(infinite_input_is_read_only_as_far_as_the_buffer) {
    thread_pool pool(2);
    int consumed = 0;
    auto numbers = std::views::iota(0) | std::views::transform([&](int i) {
                       ++consumed;
                       return i;
                   });
    auto view = pool.map({.buffersize = 3}, square, numbers);
    BOOST_TEST(consumed == 3);
    int read = 0;
    for (int v : view) {
        BOOST_TEST(v == read * read);
        ++read;
        BOOST_TEST(consumed <= read + 3);
        if (read == 10)
            break;
    }
    BOOST_TEST(*view.begin() == 81); // not yet passed: reading goes on where it stopped
}

BOOST_AUTO_TEST_CASE(single_pass_input_and_move_only_results) {
    thread_pool pool(2);
    std::istringstream words("1 2 3");
    auto view = pool.map([](int n) { return std::make_unique<int>(n); },
                         std::ranges::istream_view<int>(words));
    int sum = 0;
    for (std::unique_ptr<int> p : view)
        sum += *p;
    BOOST_TEST(sum == 6);
    std::vector<std::monostate> units;
    for (auto&& u : pool.map([](int) {}, std::vector{1, 2}))
        units.push_back(u);
    BOOST_TEST(units.size() == 2u);
    std::vector<int> store{1, 2, 3};
    for (int& r :
         pool.map([&](std::size_t i) -> int& { return store[i]; }, std::vector{0u, 1u, 2u}))
        r *= 10;
    BOOST_TEST((store == std::vector{10, 20, 30}));
}

BOOST_AUTO_TEST_CASE(a_pool_that_was_shut_down_refuses_at_the_call) { // CF-MAP-23
    thread_pool pool(1);
    pool.shutdown();
    BOOST_CHECK_THROW(pool.map(square, std::vector{1}), shutdown_error);
    BOOST_CHECK_THROW(pool.map(square, std::vector<int>()), shutdown_error);
}

BOOST_AUTO_TEST_CASE(a_view_outlives_its_pool) {
    auto pool = std::make_unique<thread_pool>(2);
    auto all = pool->map(square, std::vector{1, 2, 3});
    auto some = pool->map({.buffersize = 1}, square, std::vector{1, 2, 3});
    pool.reset();
    BOOST_TEST((collect(all) == std::vector{1, 4, 9}));
    auto it = some.begin();
    BOOST_TEST(*it == 1);
    ++it;
    BOOST_CHECK_THROW(*it, shutdown_error);
    ++it;
    BOOST_TEST((it == some.end()));
}

BOOST_AUTO_TEST_CASE(what_stands_before_an_element_that_cannot_be_copied_runs) {
    struct fragile {
        int n;
        explicit fragile(int i) : n(i) {}
        fragile(fragile&&) noexcept = default;
        fragile(const fragile& other) : n(other.n) {
            if (n == 6)
                throw std::out_of_range("copy");
        }
    };
    std::vector<fragile> input; // which is submitted in batches
    for (int i = 0; i != 8; ++i)
        input.emplace_back(i);
    thread_pool pool(2);
    std::atomic<int> sum{0};
    BOOST_CHECK_THROW(pool.map([&](const fragile& f) { sum += f.n; }, input), std::out_of_range);
    pool.shutdown();
    BOOST_TEST(sum == 0 + 1 + 2 + 3 + 4 + 5);
    BOOST_TEST(pool.stats().completed == 6u);
}

BOOST_AUTO_TEST_CASE(a_pool_that_is_shut_down_refuses_what_follows_a_batch) {
    thread_pool pool(1);
    struct closing {
        thread_pool* pool;
        int n;
        closing(thread_pool* p, int i) : pool(p), n(i) {}
        closing(closing&&) noexcept = default;
        closing(const closing& other) : pool(other.pool), n(other.n) {
            if (n == 5)
                pool->shutdown({.wait = false});
        }
    };
    std::vector<closing> input;
    for (int i = 0; i != 100; ++i)
        input.emplace_back(&pool, i);
    BOOST_CHECK_THROW(pool.map([](const closing& c) { return c.n; }, input), shutdown_error);
    pool.shutdown();
    BOOST_TEST(pool.stats().completed == 3u); // the batches of one and of two
}
