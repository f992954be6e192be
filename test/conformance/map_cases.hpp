// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

// What `map` and the other waits of all pools promise. A file that includes this one says before what
// it is run over: `pools`, and those of them that have `keep_busy`, which gives a call of `stay` that
// keeps one worker busy, and `release`, which ends such calls after what is tested:
// `pools_that_can_be_busy`.

#include "map_calls.hpp"

#include <boost/test/unit_test.hpp>

#include <chrono>
#include <memory>
#include <optional>
#include <ranges>
#include <ratio>
#include <stdexcept>
#include <vector>

namespace {

template <class View>
std::vector<int> read_all(View&& view) {
    std::vector<int> all;
    int rounds = 0;
    for (auto it = view.begin(); it != view.end() && rounds < 100; ++it, ++rounds) {
        try {
            all.push_back(*it);
        } catch (const ferry::timeout_error&) {
            all.push_back(-1);
        } catch (const ferry::shutdown_error&) {
            all.push_back(-2);
        } catch (const std::exception&) {
            all.push_back(-3);
        }
    }
    return all;
}

const std::vector expired{ferry::timeout(0s),
                          ferry::timeout(-1s),
                          ferry::timeout(-0.5s),
                          ferry::timeout(std::chrono::duration<double>(0.0004)),
                          ferry::timeout(std::chrono::duration<float, std::micro>(0.25F)),
                          ferry::timeout(std::optional(1us))};
const std::vector unlimited{ferry::timeout(), ferry::timeout(std::nullopt),
                            ferry::timeout(std::chrono::duration<double>(1e300)),
                            ferry::timeout(std::chrono::hours::max()),
                            ferry::timeout(std::optional<std::chrono::seconds>())};

} // namespace

BOOST_AUTO_TEST_CASE_TEMPLATE(a_view_ends_with_its_timeout, P,
                              pools_that_can_be_busy) { // CF-MAP-06
    for (const std::optional<std::size_t> buffer : {std::optional<std::size_t>(), {2}, {9}}) {
        P pool(1);
        const auto busy = keep_busy(pool);
        for (const ferry::timeout limit : expired) {
            const ferry::map_options options{
                .timeout = limit, .chunksize = 2, .buffersize = buffer};
            auto view = pool.map(options, same, std::vector{0, 1, 2, 3, 4});
            BOOST_TEST((read_all(view) == std::vector{-1}));
            auto it = view.begin();
            for (int i = 0; i < 3; ++i) { // nothing is there to go to
                ++it;
                BOOST_TEST((it == view.end()));
            }
            BOOST_CHECK_THROW(static_cast<void>(*it), ferry::invalid_state_error);
            auto other = pool.map(options, same, std::vector{0, 1, 2});
            auto behind = other.begin();
            ++behind;
            BOOST_CHECK_THROW(static_cast<void>(*behind), ferry::timeout_error);
            BOOST_TEST((behind == other.end()));
        }
        release(pool);
        pool.shutdown();
        // The first call and what was passed over; nothing else has run.
        BOOST_TEST(pool.stats().completed <= 1 + expired.size());
    }
}

BOOST_AUTO_TEST_CASE_TEMPLATE(what_is_done_is_read_whatever_the_timeout, P, pools) {
    for (const auto* limits : {&expired, &unlimited}) {
        for (const ferry::timeout limit : *limits) {
            P pool(1);
            auto view = pool.map({.timeout = limit, .chunksize = 2}, same, std::vector{0, 1, 2});
            pool.shutdown();
            BOOST_TEST((read_all(view) == std::vector{0, 1, 2}));
        }
    }
    for (const ferry::timeout limit : unlimited) {
        P pool(1);
        BOOST_TEST((read_all(pool.map({.timeout = limit, .buffersize = 2}, same,
                                      std::vector{0, 1, 2})) == std::vector{0, 1, 2}));
    }
}

BOOST_AUTO_TEST_CASE_TEMPLATE(the_others_take_the_same_timeouts, P, pools_that_can_be_busy) {
    P pool(1);
    auto busy = keep_busy(pool);
    auto done = pool.submit(same, 1);
    done.cancel();
    for (const ferry::timeout limit : expired) {
        BOOST_CHECK_THROW(busy.result(limit), ferry::timeout_error);
        BOOST_CHECK_THROW(busy.exception(limit), ferry::timeout_error);
        BOOST_TEST(!busy.wait_for(limit));
        BOOST_TEST(done.wait_for(limit));
        const std::vector both{busy, done};
        const auto some = ferry::wait(both, {.timeout = limit});
        BOOST_TEST(some.done.size() == 1u);
        BOOST_TEST(some.not_done.size() == 1u);
        int given = 0, late = 0, rounds = 0;
        auto view = ferry::as_completed(both, limit);
        for (auto it = view.begin(); it != view.end() && rounds < 9; ++it, ++rounds) {
            try {
                given += *it == done ? 1 : 100;
            } catch (const ferry::timeout_error& e) {
                ++late;
                BOOST_TEST(e.unfinished() == 1u);
                BOOST_TEST(e.total() == 2u);
            }
        }
        BOOST_TEST(given == 1);
        BOOST_TEST(late == 1);
        ferry::run([&]() -> asio::awaitable<void> {
            BOOST_CHECK_THROW(
                co_await ferry::wait_for(ferry::run_in_executor(pool, same, 1), limit),
                ferry::timeout_error);
            ferry::wait_options options{.timeout = limit};
            const auto waited = co_await ferry::async_wait(both, options);
            BOOST_TEST(waited.not_done.size() == 1u);
        }());
    }
    release(pool);
    pool.shutdown();
    auto over = ferry::thread_pool(1).submit(same, 5);
    for (const ferry::timeout limit : unlimited) {
        BOOST_TEST(over.result(limit) == 5);
        const std::vector one{over};
        BOOST_TEST(ferry::wait(one, {.timeout = limit}).done.size() == 1u);
        for (auto&& f : ferry::as_completed(one, limit))
            BOOST_TEST(f.result() == 5);
        const auto value = []() -> asio::awaitable<int> { co_return 6; };
        BOOST_TEST(ferry::run(ferry::wait_for(value(), limit)) == 6);
    }
}

BOOST_AUTO_TEST_CASE_TEMPLATE(an_input_that_throws_cancels_nothing, P, pools) { // CF-MAP-22
    for (const std::size_t chunk : {1u, 3u}) {
        P pool(1);
        auto inputs = std::views::iota(0) | std::views::transform([](int i) {
                          if (i == 4)
                              throw std::out_of_range("input");
                          return i;
                      });
        BOOST_CHECK_THROW(pool.map({.chunksize = chunk}, same, inputs), std::out_of_range);
        BOOST_CHECK_THROW(pool.map({.chunksize = chunk, .buffersize = 9}, same, inputs),
                          std::out_of_range);
        pool.shutdown();
        const bool each = chunk == 1 || std::is_same_v<P, ferry::thread_pool>;
        BOOST_TEST(pool.stats().completed == (each ? 8u : 4u));
        BOOST_TEST(pool.stats().cancelled == 0u);
    }
    P pool(1); // with a buffer that it exceeds, at its place
    auto later = std::views::iota(0) | std::views::transform([](int i) {
                     if (i == 4)
                         throw std::out_of_range("input");
                     return i;
                 });
    BOOST_TEST((read_all(pool.map({.buffersize = 2}, same, later)) == std::vector{0, 1, 2, 3, -3}));
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_view_may_outlive_its_pool, P, pools) { // CF-MAP-24
    for (const std::size_t chunk : {1u, 2u}) {
        for (const bool destroy : {true, false}) {
            auto pool = std::make_unique<P>(2);
            auto endless =
                pool->map({.chunksize = chunk, .buffersize = 4}, same, std::views::iota(0));
            auto all = pool->map({.chunksize = chunk, .buffersize = 3}, same, std::vector{0, 1, 2});
            auto none = pool->map({.chunksize = chunk, .buffersize = 3}, same, std::vector<int>());
            auto first = endless.begin();
            BOOST_TEST(*first == 0);
            if (destroy)
                pool.reset();
            else
                pool->shutdown();
            ++first;
            BOOST_TEST((read_all(endless) == std::vector{1, 2, 3, -2}));
            BOOST_TEST((endless.begin() == endless.end()));
            BOOST_TEST((read_all(all) == std::vector{0, 1, 2}));
            BOOST_TEST(read_all(none).empty());
        }
    }
}

BOOST_AUTO_TEST_CASE_TEMPLATE(going_on_neither_waits_nor_throws, P,
                              pools_that_can_be_busy) { // CF-MAP-03
    P pool(1);
    {
        auto view = pool.map({.chunksize = 3}, fail_odd, std::views::iota(0, 8));
        auto it = view.begin();
        for (int i = 0; i < 8; ++i, ++it) { // reads every third
            BOOST_TEST((it != view.end()));
            if (i % 3 == 1 && i % 2 != 0)
                BOOST_CHECK_THROW(static_cast<void>(*it), std::out_of_range);
            else if (i % 3 == 1)
                BOOST_TEST(*it == i);
        }
        BOOST_TEST((it == view.end()));
        ++it;
        BOOST_TEST((it == view.end()));
    }
    auto busy = keep_busy(pool);
    int consumed = 0;
    auto inputs = std::views::iota(0) | std::views::transform([&](int n) {
                      ++consumed;
                      return n;
                  });
    auto view = pool.map({.buffersize = 2}, same, inputs);
    auto it = view.begin();
    BOOST_TEST(consumed == 2);
    ++it;
    ++it;
    BOOST_TEST(consumed == 2); // the next ones may have to be waited for
    BOOST_TEST((it != view.end()));
    BOOST_TEST(consumed == 4);
    release(pool);
}
