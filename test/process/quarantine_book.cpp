// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#define BOOST_TEST_MODULE quarantine_book
#include <boost/test/unit_test.hpp>

#include "process/quarantine_book.hpp"

#include <map>
#include <random>
#include <vector>

using namespace std::chrono_literals;
using ferry::detail::quarantine_book;
using clock_type = quarantine_book::clock;

// Steps through deaths with a clock of its own.

namespace {

constexpr clock_type::time_point start{1h};
constexpr std::uint64_t task = 1, other = 2;

} // namespace

BOOST_AUTO_TEST_CASE(a_task_is_quarantined_by_its_last_permitted_victim) {
    quarantine_book book(3, 60s);
    BOOST_TEST(!book.died(task, start));
    BOOST_TEST(!book.died(task, start + 1s));
    BOOST_TEST(!book.has_sentences());
    BOOST_TEST(!book.find(task, start + 2s).has_value());
    BOOST_TEST(book.died(task, start + 3s));
    BOOST_TEST(book.has_sentences());
    const auto s = book.find(task, start + 4s);
    BOOST_REQUIRE(s.has_value());
    BOOST_TEST(s->deaths == 3u);
    BOOST_CHECK(s->until == start + 63s);
    BOOST_TEST(!book.find(other, start + 4s).has_value());
}

BOOST_AUTO_TEST_CASE(a_sentence_ends_and_its_deaths_are_forgotten) {
    quarantine_book book(2, 60s);
    book.died(task, start);
    BOOST_TEST(book.died(task, start + 10s));
    BOOST_TEST(book.find(task, start + 70s - 1ns).has_value());
    BOOST_TEST(!book.find(task, start + 70s).has_value());
    BOOST_TEST(!book.died(task, start + 70s)); // the first one again
    BOOST_TEST(!book.has_sentences());
    BOOST_TEST(book.died(task, start + 71s));
}

BOOST_AUTO_TEST_CASE(deaths_too_far_apart_do_not_add_up) {
    quarantine_book book(2, 60s);
    for (int i = 0; i < 100; ++i)
        BOOST_TEST(!book.died(task, start + i * 60s));
    BOOST_TEST(book.died(task, start + 99 * 60s + 59s));
}

BOOST_AUTO_TEST_CASE(a_death_during_the_sentence_prolongs_it) { // of a task that was running then
    quarantine_book book(2, 60s);
    book.died(task, start);
    book.died(task, start + 1s);
    BOOST_TEST(book.died(task, start + 20s));
    const auto s = book.find(task, start + 70s);
    BOOST_REQUIRE(s.has_value());
    BOOST_TEST(s->deaths == 3u);
    BOOST_CHECK(s->until == start + 80s);
}

BOOST_AUTO_TEST_CASE(a_pardon_ends_everything) {
    quarantine_book book(2, 60s);
    book.died(task, start);
    book.died(other, start);
    book.died(other, start);
    book.pardon_all();
    BOOST_TEST(!book.has_sentences());
    BOOST_TEST(!book.find(other, start).has_value());
    BOOST_TEST(!book.died(task, start)); // its first one does not count either
    BOOST_TEST(book.died(task, start));
}

BOOST_AUTO_TEST_CASE(a_limit_of_none_quarantines_nobody) {
    quarantine_book book(0, 60s);
    BOOST_TEST(!book.is_kept());
    for (int i = 0; i < 10; ++i)
        BOOST_TEST(!book.died(task, start));
    BOOST_TEST(!book.find(task, start).has_value());
}

BOOST_AUTO_TEST_CASE(a_time_without_end_lasts) {
    quarantine_book book(1, std::chrono::nanoseconds::max());
    BOOST_TEST(book.died(task, start));
    const auto s = book.find(task, clock_type::time_point::max() - 1ns);
    BOOST_REQUIRE(s.has_value());
    BOOST_CHECK(s->until == clock_type::time_point::max());
}

// Beside a model that keeps everything.
BOOST_AUTO_TEST_CASE(it_agrees_with_a_list_of_all_deaths) {
    constexpr unsigned after = 3;
    constexpr auto time = 50ms;
    std::mt19937 random(7);
    quarantine_book book(after, time);
    std::map<std::uint64_t, std::vector<clock_type::time_point>> all;
    std::map<std::uint64_t, clock_type::time_point> until;
    auto now = start;
    for (int i = 0; i < 20'000; ++i) {
        now += std::chrono::milliseconds(random() % 12);
        const std::uint64_t who = random() % 5;
        auto& mine = all[who];
        mine.push_back(now);
        unsigned recent = 0;
        for (auto it = mine.rbegin(); it != mine.rend() && now < *it + time; ++it)
            ++recent;
        if (recent >= after)
            until[who] = now + time;
        BOOST_TEST(book.died(who, now) == (recent >= after));
        now += std::chrono::milliseconds(random() % 30);
        for (std::uint64_t w = 0; w < 5; ++w) {
            const bool sentenced = until.count(w) != 0 && now < until[w];
            BOOST_TEST(book.find(w, now).has_value() == sentenced);
        }
    }
}
