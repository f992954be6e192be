// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#define BOOST_TEST_MODULE inbox
#include "pool/inbox.hpp"

#include <boost/test/unit_test.hpp>

#include <atomic>
#include <barrier>
#include <cstddef>
#include <cstdint>
#include <thread>
#include <vector>

namespace {

struct item final : ferry::detail::work_item {
    void run() override {}
    void drop(std::exception_ptr) noexcept override {}
    bool is_task() const noexcept override { return task; }

    bool task = true;
    std::size_t producer = 0;
    std::size_t number = 0;
};

} // namespace

BOOST_AUTO_TEST_CASE(what_went_in_comes_out_in_order) {
    std::atomic<std::uint64_t> pushed{0};
    ferry::detail::inbox box(pushed);
    BOOST_TEST(box.empty());
    BOOST_TEST(box.pop() == nullptr);
    std::vector<item> items(3);
    for (int round = 0; round < 2; ++round) {
        for (auto& i : items)
            box.push(i, true);
        BOOST_TEST(!box.empty());
        for (auto& i : items)
            BOOST_TEST(box.pop() == &i);
        BOOST_TEST(box.empty());
        BOOST_TEST(box.pop() == nullptr);
    }
}

BOOST_AUTO_TEST_CASE(it_tells_how_many_tasks_are_in_it) {
    std::atomic<std::uint64_t> pushed{0};
    ferry::detail::inbox box(pushed);
    std::vector<item> items(4);
    items[1].task = false;
    for (auto& i : items)
        box.push(i, i.task);
    for (const std::size_t left : {3U, 2U, 2U, 1U}) {
        BOOST_TEST(box.tasks() == left);
        box.pop();
    }
    BOOST_TEST(box.tasks() == 0u);
    BOOST_TEST(box.pop() == nullptr);
    BOOST_TEST(box.tasks() == 0u);
}

BOOST_AUTO_TEST_CASE(each_threads_items_stay_in_order_and_none_is_lost_or_doubled) {
    constexpr std::size_t producers = 3;
    constexpr std::size_t each = 20'000;
    std::atomic<std::uint64_t> pushed{0};
    ferry::detail::inbox box(pushed);
    std::vector<std::vector<item>> items(producers);
    for (auto& list : items)
        list = std::vector<item>(each);
    std::barrier start(producers + 1);
    std::vector<std::jthread> threads;
    for (std::size_t p = 0; p < producers; ++p)
        threads.emplace_back([&, p] {
            start.arrive_and_wait();
            for (std::size_t i = 0; i < each; ++i) {
                items[p][i].producer = p;
                items[p][i].number = i;
                box.push(items[p][i], true);
            }
        });
    start.arrive_and_wait();
    std::vector<std::size_t> next(producers, 0);
    std::size_t out_of_order = 0;
    for (std::size_t seen = 0; seen < producers * each;) {
        auto* const i = static_cast<item*>(box.pop());
        if (i == nullptr) {
            std::this_thread::yield();
            continue;
        }
        out_of_order += i->number != next[i->producer]++ ? 1 : 0;
        ++seen;
    }
    BOOST_TEST(out_of_order == 0u);
    BOOST_TEST(box.empty());
    BOOST_TEST(box.tasks() == 0u);
}

// The last item and the next push meet: the case in which both ends touch the same words.
BOOST_AUTO_TEST_CASE(a_push_that_meets_the_taking_of_the_last_item_is_not_lost) {
    constexpr std::size_t rounds = 50'000;
    std::atomic<std::uint64_t> pushed{0};
    ferry::detail::inbox box(pushed);
    std::vector<item> items(2 * rounds);
    std::atomic<std::size_t> round{0};
    std::jthread producer([&] {
        for (std::size_t r = 0; r < rounds; ++r) {
            while (round.load() < r)
                std::this_thread::yield();
            box.push(items[2 * r], true);
            box.push(items[2 * r + 1], true);
        }
    });
    std::size_t wrong = 0;
    for (std::size_t r = 0; r < rounds; ++r) {
        for (const std::size_t i : {2 * r, 2 * r + 1}) {
            ferry::detail::work_item* got = nullptr;
            while ((got = box.pop()) == nullptr)
                std::this_thread::yield();
            wrong += got != &items[i] ? 1 : 0;
        }
        wrong += box.empty() ? 0 : 1;
        round.store(r + 1);
    }
    BOOST_TEST(wrong == 0u);
}
