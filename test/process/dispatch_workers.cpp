// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#define BOOST_TEST_MODULE dispatch_workers
#include <boost/test/unit_test.hpp>

#include "process/dispatch_workers.hpp"

#include <deque>

// How busy workers are together, as they start, are handed items and end.

using ferry::detail::dispatch_worker;
using ferry::detail::dispatch_workers;

namespace {

struct bench {
    ~bench() {
        for (auto& w : workers) {
            if (w.in_dispatcher.is_linked())
                all.remove(w);
        }
    }
    dispatch_worker& starting() {
        auto& w = workers.emplace_back(static_cast<std::uint32_t>(workers.size() + 1), 0);
        all.add(w);
        return w;
    }
    dispatch_worker& serving(unsigned held = 0) {
        auto& w = starting();
        w.life.ready();
        while (held-- != 0)
            w.life.handed_out();
        return w;
    }

    std::deque<dispatch_worker> workers;
    dispatch_workers all;
};

} // namespace

BOOST_AUTO_TEST_CASE(without_workers_nothing_is_held) {
    bench b;
    BOOST_TEST(b.all.size() == 0u);
    BOOST_TEST(b.all.starting() == 0u);
    BOOST_TEST(b.all.idle() == 0u);
    BOOST_TEST(!b.all.any_serves());
    BOOST_TEST(!b.all.any_held());
    BOOST_TEST(b.all.held_behind() == 0u);
    BOOST_TEST(b.all.fullest() == nullptr);
}

BOOST_AUTO_TEST_CASE(a_worker_that_starts_is_idle_but_serves_nobody) {
    bench b;
    auto& w = b.starting();
    BOOST_TEST(b.all.starting() == 1u);
    BOOST_TEST(b.all.idle() == 1u);
    BOOST_TEST(!b.all.any_serves());
    w.life.ready();
    BOOST_TEST(b.all.starting() == 0u);
    BOOST_TEST(b.all.idle() == 1u);
    BOOST_TEST(b.all.any_serves());
    w.life.terminate();
    BOOST_TEST(b.all.idle() == 0u);
    BOOST_TEST(!b.all.any_serves());
    BOOST_TEST(b.all.size() == 1u);
    b.all.remove(w);
    BOOST_TEST(b.all.size() == 0u);
}

BOOST_AUTO_TEST_CASE(what_is_promised_counts_as_load_but_is_not_held) {
    bench b;
    auto& w = b.serving();
    w.promised = 1;
    BOOST_TEST(b.all.idle() == 0u);
    BOOST_TEST(!b.all.any_held());
    BOOST_TEST(b.all.held_behind() == 0u);
    w.life.handed_out();
    BOOST_TEST(b.all.any_held());
    BOOST_TEST(b.all.held_behind() == 1u);
}

BOOST_AUTO_TEST_CASE(each_worker_runs_one_and_the_others_wait_behind_it) {
    bench b;
    b.serving(3);
    b.serving(1);
    b.serving();
    BOOST_TEST(b.all.held_behind() == 2u);
    BOOST_TEST(b.all.idle() == 1u);
}

BOOST_AUTO_TEST_CASE(the_fullest_holds_more_than_it_can_run) {
    bench b;
    b.serving(1);
    BOOST_TEST(b.all.fullest() == nullptr);
    auto& two = b.serving(2);
    BOOST_TEST(b.all.fullest() == &two);
    b.serving(2);
    BOOST_TEST(b.all.fullest() == &two); // the first of equals
    auto& three = b.serving(3);
    BOOST_TEST(b.all.fullest() == &three);
    static_cast<void>(three.life.answered());
    BOOST_TEST(b.all.fullest() == &two);
}
