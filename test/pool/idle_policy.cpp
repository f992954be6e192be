// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#define BOOST_TEST_MODULE idle_policy
#include "pool/idle_policy.hpp"

#include <boost/test/unit_test.hpp>

#include <ostream>
#include <vector>

using ferry::detail::idle_policy;
using action = ferry::detail::idle_policy::action;
using std::chrono::nanoseconds;
using namespace std::chrono_literals;

namespace {

// When items come: so many, one shortly after the other, and then a pause.
struct arrivals {
    const char* name;
    unsigned burst;
    nanoseconds gap, pause;
};

// What it costs to serve them: processor time beside the items' own, and how long they wait.
struct cost {
    nanoseconds processor{}, delay{};
    int yields = 0;
};

// A worker that runs an item in no time and then has nothing until the next one comes. To sleep
// and be woken costs a wake-up, in processor time too.
template <class Decide, class Looked>
cost serve(const arrivals& a, nanoseconds wake_up, bool together, Decide decide, Looked looked) {
    cost all;
    for (unsigned i = 0; i < 4000; ++i) {
        const nanoseconds next = (i + 1) % a.burst == 0 ? a.pause : a.gap;
        const idle_policy::decision d = decide(idle_policy::observation{
            .on_submitters_processor = together,
            .wake_up = wake_up,
        });
        if (d.what == action::yield) {
            ++all.yields;
            continue;
        }
        if (d.what == action::look) {
            const bool found = next <= d.time;
            looked(found);
            all.processor += found ? next : d.time;
            if (found)
                continue;
        }
        all.processor += wake_up;
        all.delay += wake_up;
    }
    return all;
}

cost serve(const arrivals& a, nanoseconds wake_up, bool together) {
    idle_policy p;
    return serve(
        a, wake_up, together, [&](const auto& o) { return p.decide(o); },
        [&](bool found) { p.looked(found); });
}
// As one that always sleeps.
cost serve_asleep(const arrivals& a, nanoseconds wake_up) {
    return serve(
        a, wake_up, false, [](const auto&) { return idle_policy::decision{}; }, [](bool) {});
}

const std::vector<nanoseconds> wake_ups{2us, 10us, 50us, 100us};
const std::vector<arrivals> kinds{
    {"one after the other", 1, 0us, 500ns}, {"steady, 5 us", 1, 0us, 5us},
    {"steady, 30 us", 1, 0us, 30us},        {"steady, 1 ms", 1, 0us, 1ms},
    {"bursts of 2", 2, 500ns, 1ms},         {"bursts of 8", 8, 500ns, 1ms},
    {"bursts of 100", 100, 500ns, 1ms},     {"slow bursts", 8, 30us, 10ms},
};

} // namespace

BOOST_AUTO_TEST_CASE(it_never_costs_more_than_twice_the_processor_time_of_one_that_sleeps) {
    for (const nanoseconds wake_up : wake_ups) {
        for (const arrivals& a : kinds) {
            BOOST_TEST_CONTEXT(a.name << ", wake-up " << wake_up.count() << " ns") {
                const cost mine = serve(a, wake_up, false), asleep = serve_asleep(a, wake_up);
                BOOST_TEST(mine.processor.count() <= 2 * asleep.processor.count());
                BOOST_TEST(mine.delay.count() <= asleep.delay.count());
            }
        }
    }
}

BOOST_AUTO_TEST_CASE(items_that_come_within_a_wake_up_wait_for_none) {
    for (const nanoseconds wake_up : wake_ups) {
        for (const arrivals& a : kinds) {
            if (a.burst != 1 || a.pause > wake_up)
                continue;
            BOOST_TEST_CONTEXT(a.name << ", wake-up " << wake_up.count() << " ns") {
                const cost mine = serve(a, wake_up, false);
                BOOST_TEST(mine.delay.count() == 0);
                BOOST_TEST(mine.processor < serve_asleep(a, wake_up).processor);
            }
        }
    }
}

BOOST_AUTO_TEST_CASE(items_that_come_seldom_cost_what_a_sleeper_costs) {
    for (const nanoseconds wake_up : wake_ups) {
        const cost mine = serve({"seldom", 1, 0us, 1ms}, wake_up, false);
        BOOST_TEST(mine.processor <
                   serve_asleep({"seldom", 1, 0us, 1ms}, wake_up).processor * 1.02);
    }
}

BOOST_AUTO_TEST_CASE(most_of_a_burst_waits_for_no_wake_up) {
    for (const nanoseconds wake_up : wake_ups) {
        const arrivals a{"bursts of 100", 100, 500ns, 1ms};
        BOOST_TEST(serve(a, wake_up, false).delay < serve_asleep(a, wake_up).delay / 25);
    }
}

BOOST_AUTO_TEST_CASE(on_the_submitter_s_processor_it_yields_whatever_else_there_is) {
    for (const nanoseconds wake_up : wake_ups) {
        for (const arrivals& a : kinds)
            BOOST_TEST(serve(a, wake_up, true).yields == 4000);
    }
}

BOOST_AUTO_TEST_CASE(items_that_come_often_again_are_noticed_soon) {
    idle_policy p;
    for (int i = 0; i < 100; ++i)
        p.looked(false);
    int sleeps = 0;
    while (p.decide({.wake_up = 10us}).what == action::sleep)
        ++sleeps;
    BOOST_TEST(sleeps < 200);
    p.looked(true);
    for (int i = 0; i < 100; ++i)
        BOOST_TEST((p.decide({.wake_up = 10us}).what == action::look));
}
