// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
// Who may enter a bounded cluster pool, and who stands in line for it, by stepping.
#define BOOST_TEST_MODULE cluster_line
#include <boost/test/unit_test.hpp>

#include <ferry/cluster.hpp>

#include "cluster/cluster_line.hpp"
#include "helpers/fake_call.hpp"

using namespace ferry::detail;
using namespace ferry::detail::cluster;
using namespace std::chrono_literals;
using decision = admission::decision;

namespace {

constexpr std::size_t normal = 5; // the level of priority 0

struct fixture {
    cluster_line::time now{1000s};
    ledger book{{.heartbeat = 10s}, now};
    ledger::actions out;
    ferry::cluster_options options;
    std::optional<cluster_line> made;

    fixture() {
        options.name = "p";
        book.consumer_connected(true, now, out);
        book.publisher_connected(now);
    }
    cluster_line& line() {
        if (!made)
            made.emplace(options, "app/1", book);
        return *made;
    }
    void have_workers(std::uint32_t n, const char* queue = "app/1") {
        book.announced(
            {.host = std::string("of ") + queue, .build = queue, .version = "0.1", .workers = n});
    }
    // A task has entered.
    void queue(std::uint64_t number, std::size_t bytes = 0, int priority = 0) {
        book.add(number, {.bytes = bytes}, now);
        line().entered(cluster_line::level_of(priority));
    }
    void run(std::uint64_t number, int priority = 0) {
        const auto p = book.next();
        BOOST_TEST_REQUIRE((p && p->number == number));
        book.started({number, p->round, "of app/1", 1s}, now, out);
        line().started(cluster_line::level_of(priority));
    }
    decision decide(const admission_request& r = {}, bool exempt = false) {
        auto with_now = r;
        with_now.now = now;
        return line().decide(with_now, exempt);
    }
};

} // namespace

// ---- Who may enter ------------------------------------------------------------------------------

BOOST_FIXTURE_TEST_CASE(a_pool_without_bounds_lets_everybody_in, fixture) {
    for (std::uint64_t n = 1; n != 100; ++n) {
        BOOST_TEST((decide({.bytes = 1000000}) == decision::enter));
        queue(n, 1000000);
    }
}

BOOST_FIXTURE_TEST_CASE(a_full_pool_has_tasks_wait_or_rejects_them, fixture) {
    options.max_queue = 2;
    queue(1);
    BOOST_TEST((decide() == decision::enter));
    queue(2);
    BOOST_TEST((decide() == decision::stand_in_line));
    have_workers(8);
    BOOST_TEST((decide() == decision::stand_in_line)); // a free worker makes no room
    run(1);
    BOOST_TEST((decide() == decision::enter)); // what runs does not wait
    queue(3);
    options.when_full = ferry::when_full::reject;
    cluster_line rejecting(options, "app/1", book);
    BOOST_TEST((rejecting.decide({}, false) == decision::full));
    BOOST_TEST((rejecting.decide({.may_wait = true}, false) == decision::stand_in_line));
    BOOST_TEST((rejecting.decide({}, true) == decision::enter)); // would wait for itself
}

BOOST_FIXTURE_TEST_CASE(bytes_are_bounded_but_for_the_only_task, fixture) {
    options.max_queue_bytes = 100;
    BOOST_TEST((decide({.bytes = 100}) == decision::enter));
    BOOST_TEST((decide({.bytes = 101}) == decision::too_large));
    BOOST_TEST((decide({.bytes = 101, .may_wait = true}, true) == decision::too_large));
    queue(1, 60);
    BOOST_TEST((decide({.bytes = 40}) == decision::enter));
    BOOST_TEST((decide({.bytes = 41}) == decision::stand_in_line));
    run(1);
    BOOST_TEST((decide({.bytes = 41}) == decision::enter));
    queue(2, 150); // of the pool's own callback, say
    BOOST_TEST((decide({.bytes = 0}) == decision::stand_in_line));
    book.remove(2, out);
    BOOST_TEST((decide({.bytes = 100}) == decision::enter));
}

BOOST_FIXTURE_TEST_CASE(nobody_overtakes_the_line, fixture) {
    options.max_queue_bytes = 100;
    queue(1, 60);
    line().stand({2, 50});
    BOOST_TEST((decide({.bytes = 10}) == decision::stand_in_line));
    BOOST_TEST((decide({.bytes = 10}, true) == decision::enter)); // exempt
    line().leave(2);
    BOOST_TEST((decide({.bytes = 10}) == decision::enter));
}

BOOST_FIXTURE_TEST_CASE(a_task_is_too_slow_if_it_would_wait_for_longer_than_it_may, fixture) {
    options.max_wait = 10s;
    have_workers(2);
    line().ran(4s);
    for (std::uint64_t n = 1; n <= 5; ++n)
        queue(n);
    BOOST_TEST((line().estimate(normal) == 10s));
    BOOST_TEST((decide() == decision::enter)); // just in time
    BOOST_TEST((decide({.start_by = now + 10s}) == decision::enter));
    BOOST_TEST((decide({.start_by = now + 9s}) == decision::too_slow));
    queue(6);
    BOOST_TEST((decide() == decision::too_slow));
    BOOST_TEST((decide({.may_wait = true}) == decision::enter)); // of a map
    BOOST_TEST((decide({}, true) == decision::enter));
    have_workers(7); // one of them is free, whatever the mean says
    BOOST_TEST((decide({.start_by = now}) == decision::enter));
}

BOOST_FIXTURE_TEST_CASE(no_wait_at_all_needs_a_free_worker_and_no_line, fixture) {
    options.max_wait = 0s;
    BOOST_TEST((decide() == decision::too_slow)); // no host is known
    have_workers(9, "app/2");
    BOOST_TEST((decide() == decision::too_slow)); // none that serves this pool
    have_workers(2);
    BOOST_TEST((decide() == decision::enter));
    queue(1);
    run(1);
    BOOST_TEST((decide() == decision::enter));
    line().stand({5, 0});
    BOOST_TEST((decide() == decision::too_slow));
    line().leave(5);
    queue(2);
    BOOST_TEST((decide() == decision::too_slow)); // one runs, and one is about to
}

BOOST_FIXTURE_TEST_CASE(a_refusal_says_why_and_how_long_it_would_take, fixture) {
    options.max_queue = 2;
    queue(1);
    queue(2);
    have_workers(1);
    line().ran(3s);
    line().stand({3, 0});
    const fake_call_ptr call(new fake_call);
    try {
        std::rethrow_exception(line().refusal(decision::full, *call, {}));
    } catch (const ferry::queue_full_error& e) {
        BOOST_TEST(std::string(e.what()).find("cluster pool 'p' is full (max_queue is 2)") !=
                   std::string::npos);
        BOOST_TEST(e.queued() == 3);
        BOOST_TEST((e.retry_after() == 9s));
    }
}

// ---- The line -----------------------------------------------------------------------------------

BOOST_FIXTURE_TEST_CASE(the_first_one_is_next_once_there_is_room_for_it, fixture) {
    options.max_queue_bytes = 100;
    BOOST_TEST(!line().first());
    BOOST_TEST(!line().next());
    queue(1, 80);
    line().stand({2, 50});
    line().stand({3, 10}); // fits, but comes later
    BOOST_TEST((line().first() == 2));
    BOOST_TEST(!line().next());
    book.remove(1, out);
    queue(4, 50);
    BOOST_TEST((line().next() == 2));
    line().leave(2);
    BOOST_TEST((line().next() == 3));
    line().leave(3);
    BOOST_TEST(line().empty());
}

BOOST_FIXTURE_TEST_CASE(whoever_leaves_from_the_middle_is_not_next, fixture) {
    for (std::uint64_t n = 1; n <= 3; ++n)
        line().stand({n, 0});
    line().leave(2);
    BOOST_TEST((line().next() == 1));
    line().leave(1);
    BOOST_TEST((line().next() == 3));
}

BOOST_FIXTURE_TEST_CASE(the_line_tells_whose_time_is_over, fixture) {
    BOOST_TEST(!line().next_deadline());
    line().stand({1, 0});
    BOOST_TEST(!line().next_deadline());
    line().stand({2, 0, now + 5s});
    line().stand({3, 0, now + 3s});
    BOOST_TEST((line().next_deadline() == now + 3s));
    BOOST_TEST(!line().expired(now + 2s));
    BOOST_TEST((line().expired(now + 3s) == 3));
    line().leave(3);
    BOOST_TEST((line().next_deadline() == now + 5s));
    BOOST_TEST((line().expired(now + 9s) == 2));
    line().leave(2);
    BOOST_TEST(!line().expired(now + 9s));
    BOOST_TEST((line().first() == 1));
}

// ---- How long it takes --------------------------------------------------------------------------

BOOST_FIXTURE_TEST_CASE(priorities_are_levels_of_the_broker, fixture) {
    BOOST_TEST(cluster_line::level_of(0) == normal);
    BOOST_TEST(cluster_line::level_of(-5) == 0);
    BOOST_TEST(cluster_line::level_of(4) == 9);
    BOOST_TEST(cluster_line::level_of(-100) == 0);
    BOOST_TEST(cluster_line::level_of(100) == 9);
}

BOOST_FIXTURE_TEST_CASE(those_with_the_same_or_a_higher_priority_are_waited_for, fixture) {
    have_workers(1);
    line().ran(1s);
    queue(1, 0, -2);
    queue(2);
    queue(3, 0, 3);
    queue(4, 0, 3);
    BOOST_TEST((line().estimate(cluster_line::level_of(-5)) == 4s));
    BOOST_TEST((line().estimate(cluster_line::level_of(-1)) == 3s));
    BOOST_TEST((line().estimate(cluster_line::level_of(0)) == 3s));
    BOOST_TEST((line().estimate(cluster_line::level_of(1)) == 2s));
    BOOST_TEST((line().estimate(cluster_line::level_of(4)) == 0s));
    line().stand({9, 0}); // counts for all
    BOOST_TEST((line().estimate(cluster_line::level_of(4)) == 1s));
    line().started(cluster_line::level_of(3));
    BOOST_TEST((line().estimate(cluster_line::level_of(1)) == 2s));
}

BOOST_FIXTURE_TEST_CASE(the_latest_run_times_count_most, fixture) {
    queue(1);
    BOOST_TEST((line().estimate(normal) == 0s)); // nothing is known
    line().ran(10s);
    BOOST_TEST((line().estimate(normal) == 10s)); // as if there were one worker
    line().ran(20s);
    BOOST_TEST((line().estimate(normal) == 11s));
    have_workers(11);
    BOOST_TEST((line().estimate(normal) == 1s));
}
