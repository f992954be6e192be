// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
// What a pool knows about its tasks that are elsewhere, by stepping.
#define BOOST_TEST_MODULE ledger
#include <boost/test/unit_test.hpp>

#include <ferry/cluster.hpp>

#include "cluster/ledger.hpp"

using namespace ferry::detail::cluster;
using namespace std::chrono_literals;
using what = ledger::what;

namespace {

constexpr auto beat = 10s;

struct fixture {
    ledger::time now{1000s};
    ledger book{{.heartbeat = beat, .connect_limit = 60s}, now};
    ledger::actions out;

    fixture() {
        book.consumer_connected(true, now, out);
        book.publisher_connected(now);
    }
    // The kinds of the actions for a task since the last call.
    std::vector<what> did(std::uint64_t number) {
        std::vector<what> kinds;
        for (const auto& a : out) {
            if (a.number == number)
                kinds.push_back(a.kind);
        }
        out.clear();
        return kinds;
    }
    std::uint32_t publish(std::uint64_t number, ledger::facts f = {}) {
        book.add(number, f, now);
        return publish_again();
    }
    std::uint32_t publish_again() {
        const auto p = book.next();
        BOOST_TEST_REQUIRE(p.has_value());
        book.confirmed(p->number, p->round);
        return p->round;
    }
    void start(std::uint64_t number, std::uint32_t round, const char* host = "ferry.host.a") {
        book.started({number, round, host, 1s}, now, out);
    }
    void tick_after(ledger::duration d) {
        now += d;
        book.tick(now, out);
    }
};

using kinds = std::vector<what>;

} // namespace

BOOST_FIXTURE_TEST_CASE(a_task_is_published_confirmed_started_and_answered, fixture) {
    book.add(1, {.bytes = 10}, now);
    BOOST_TEST(book.tasks().unstarted() == 1);
    BOOST_TEST(book.tasks().unstarted_bytes() == 10);
    const auto p = book.next();
    BOOST_TEST_REQUIRE(p.has_value());
    BOOST_TEST(p->number == 1);
    BOOST_TEST(p->round == 1);
    BOOST_TEST(p->attempt == 1);
    BOOST_TEST(!book.next());
    book.confirmed(1, 1);
    start(1, 1);
    BOOST_TEST((did(1) == kinds{what::started}));
    BOOST_TEST(book.tasks().unstarted() == 0);
    BOOST_TEST(book.tasks().unstarted_bytes() == 0);
    BOOST_TEST(book.tasks().running() == 1);
    BOOST_TEST(book.answered(1, 1, outcome_kind::value, out));
    BOOST_TEST(!book.answered(1, 1, outcome_kind::value, out)); // a second outcome
    BOOST_TEST(did(1).empty());
    BOOST_TEST(!book.tasks().next_deadline());
}

BOOST_FIXTURE_TEST_CASE(a_result_counts_though_nobody_has_reported_the_start, fixture) {
    publish(1);
    BOOST_TEST(book.answered(1, 1, outcome_kind::error, out));
    BOOST_TEST(book.tasks().unstarted() == 0);
}

BOOST_FIXTURE_TEST_CASE(tasks_go_out_in_their_order_and_cancelled_ones_do_not, fixture) {
    for (std::uint64_t n = 1; n != 4; ++n)
        book.add(n, {}, now);
    BOOST_TEST(book.remove(2, out));
    BOOST_TEST(!book.remove(2, out));
    BOOST_TEST(did(2).empty()); // no host can know it
    BOOST_TEST(book.next()->number == 1);
    BOOST_TEST(book.next()->number == 3);
    BOOST_TEST(book.remove(1, out));
    BOOST_TEST((did(1) == kinds{what::tell_hosts}));
}

BOOST_FIXTURE_TEST_CASE(a_full_queue_of_the_broker_fails_the_task, fixture) {
    book.add(1, {}, now);
    static_cast<void>(book.next());
    book.refused(1, 1, out);
    BOOST_TEST((did(1) == kinds{what::full}));
}

BOOST_FIXTURE_TEST_CASE(a_host_that_misses_two_beats_is_lost, fixture) {
    const auto round = publish(1);
    start(1, round); // its beat is 1 s
    tick_after(1s);
    BOOST_TEST((did(1) == kinds{what::started}));
    book.heard({"ferry.host.a", 1s, {1, round}, {}}, now, out);
    tick_after(1499ms);
    BOOST_TEST(out.empty());
    tick_after(1ms);
    BOOST_TEST((did(0) == kinds{what::ask_hosts}));
    BOOST_TEST((*book.tasks().next_deadline() == now + 1s));
    tick_after(999ms);
    BOOST_TEST(out.empty());
    tick_after(1ms);
    BOOST_TEST((did(1) == kinds{what::died}));
}

BOOST_FIXTURE_TEST_CASE(the_clock_that_jumps_leaves_time_for_an_answer, fixture) {
    start(1, publish(1));
    out.clear();
    tick_after(1h);
    BOOST_TEST((did(0) == kinds{what::ask_hosts}));
    BOOST_TEST((*book.tasks().next_deadline() == now + 500ms));
    book.heard({"ferry.host.a", 1s, {1, 1}, {}}, now, out);
    tick_after(1s);
    BOOST_TEST(out.empty());
}

BOOST_FIXTURE_TEST_CASE(nobody_is_lost_while_the_broker_blocks, fixture) {
    start(1, publish(1));
    book.set_blocked(true, now);
    out.clear();
    tick_after(1h);
    BOOST_TEST(out.empty());
    book.set_blocked(false, now);
    tick_after(1499ms);
    BOOST_TEST(out.empty());
    tick_after(1ms);
    BOOST_TEST((did(0) == kinds{what::ask_hosts}));
}

BOOST_FIXTURE_TEST_CASE(an_idempotent_task_starts_at_most_attempts_times, fixture) {
    auto round = publish(1, {.idempotent = true, .attempts = 3});
    for (int attempt = 1; attempt != 3; ++attempt) {
        start(1, round);
        out.clear();
        BOOST_TEST(!book.answered(1, round, outcome_kind::died, out));
        BOOST_TEST((did(1) == kinds{what::again}));
        const auto p = book.next();
        BOOST_TEST_REQUIRE(p.has_value());
        BOOST_TEST(p->attempt == attempt + 1);
        round = p->round;
    }
    BOOST_TEST(!book.answered(1, 1, outcome_kind::died, out)); // of a round that is over
    BOOST_TEST(book.answered(1, round, outcome_kind::died, out));
}

BOOST_FIXTURE_TEST_CASE(attempts_count_only_for_an_idempotent_task, fixture) {
    const auto round = publish(1, {.idempotent = false, .attempts = 3});
    BOOST_TEST(book.answered(1, round, outcome_kind::died, out));
}

BOOST_FIXTURE_TEST_CASE(a_redelivered_task_died_and_one_that_a_draining_host_gave_back_did_not,
                        fixture) {
    auto round = publish(1);
    book.declined({1, round, decline_reason::draining}, out);
    BOOST_TEST((did(1) == kinds{what::again}));
    const auto p = book.next();
    BOOST_TEST(p->attempt == 1);
    book.declined({1, round, decline_reason::redelivered}, out); // of the first round
    BOOST_TEST(did(1).empty());
    book.declined({1, p->round, decline_reason::redelivered}, out);
    BOOST_TEST((did(1) == kinds{what::died}));
    BOOST_TEST(!book.tasks().has(1));

    round = publish(2, {.idempotent = true, .attempts = 2});
    book.declined({2, round, decline_reason::redelivered}, out);
    BOOST_TEST((did(2) == kinds{what::again}));
    BOOST_TEST(book.next()->attempt == 2);
}

BOOST_AUTO_TEST_CASE(where_starts_are_certain_a_redelivered_task_may_be_known_not_to_have_started) {
    ledger::time now{1000s};
    ledger::actions out;
    ledger book({.heartbeat = beat, .connect_limit = {}, .starts_are_certain = true}, now);
    book.consumer_connected(true, now, out);
    book.publisher_connected(now);
    book.add(1, {}, now);
    const auto first = book.next();
    book.declined({1, first->round, decline_reason::redelivered}, out);
    const auto second = book.next();
    BOOST_TEST_REQUIRE(second.has_value());
    BOOST_TEST(second->attempt == 1);
    book.started({1, second->round, "ferry.host.a", beat}, now, out);
    book.declined({1, second->round, decline_reason::redelivered}, out);
    BOOST_TEST(!book.tasks().has(1));
}

BOOST_FIXTURE_TEST_CASE(the_result_of_an_earlier_round_is_a_result, fixture) {
    const auto round = publish(1, {.idempotent = true, .attempts = 2});
    start(1, round);
    tick_after(1h);
    tick_after(1h);
    BOOST_TEST((did(1) == kinds{what::started, what::again}));
    BOOST_TEST(book.answered(1, round, outcome_kind::value, out));
    BOOST_TEST(!book.next());
}

BOOST_FIXTURE_TEST_CASE(what_the_broker_has_not_confirmed_is_in_doubt_when_the_connection_ends,
                        fixture) {
    publish(3);
    book.add(1, {}, now);
    book.add(2, {.idempotent = true}, now);
    static_cast<void>(book.next());
    static_cast<void>(book.next());
    out.clear();
    book.publisher_lost(now, out);
    BOOST_TEST(!book.next());
    book.publisher_connected(now);
    BOOST_TEST(book.next()->number == 2); // again at once
    tick_after(14s);
    book.heard({"ferry.host.a", beat, {}, {1, 1}}, now, out); // it is there
    tick_after(15s);
    BOOST_TEST(book.tasks().has(1));
    tick_after(9s);
    BOOST_TEST(book.tasks().has(1));
    tick_after(1s);
    BOOST_TEST(!book.tasks().has(1));
    BOOST_TEST(book.tasks().has(3)); // which the broker has
    tick_after(1h);
    BOOST_TEST(book.tasks().has(3));
}

BOOST_FIXTURE_TEST_CASE(a_broker_that_kept_everything_loses_nothing, fixture) {
    publish(1);
    book.consumer_lost(now);
    book.publisher_lost(now, out);
    book.consumer_connected(true, now, out);
    book.publisher_connected(now);
    out.clear();
    tick_after(24h);
    BOOST_TEST(did(1).empty());
    BOOST_TEST(book.tasks().has(1));
}

BOOST_FIXTURE_TEST_CASE(a_restarted_broker_loses_what_no_host_knows, fixture) {
    publish(1);
    publish(2, {.idempotent = true});
    const auto round = publish(3);
    start(3, round);
    out.clear();
    book.consumer_lost(now);
    book.publisher_lost(now, out);
    tick_after(50s); // while nothing can be heard nobody is lost
    BOOST_TEST(out.empty());
    book.consumer_connected(false, now, out);
    book.publisher_connected(now);
    BOOST_TEST((did(0) == kinds{what::ask_hosts}));
    book.heard({"ferry.host.a", beat, {3, round}, {}}, now, out);
    tick_after(15s);
    tick_after(9s);
    out.clear();
    book.heard({"ferry.host.a", beat, {3, round}, {}}, now, out);
    tick_after(1s);
    std::map<std::uint64_t, kinds> by_task;
    for (const auto& a : out)
        by_task[a.number].push_back(a.kind);
    BOOST_TEST((by_task[1] == kinds{what::tell_hosts, what::died}));
    BOOST_TEST((by_task[2] == kinds{what::again}));
    BOOST_TEST(by_task[3].empty());
    BOOST_TEST(book.tasks().running() == 1);
}

BOOST_FIXTURE_TEST_CASE(start_by_holds_until_the_first_start, fixture) {
    publish(1, {.start_by = now + 5s});
    const auto round = publish(2, {.idempotent = true, .attempts = 2, .start_by = now + 5s});
    book.started({2, round, "ferry.host.a", beat}, now, out);
    out.clear();
    tick_after(4s);
    BOOST_TEST(out.empty());
    tick_after(1s);
    BOOST_TEST((did(1) == kinds{what::tell_hosts, what::late}));
    BOOST_TEST(book.tasks().has(2));
    BOOST_TEST(!book.answered(2, round, outcome_kind::died, out));
    BOOST_TEST(!book.next()->start_by.has_value());
    book.confirmed(2, 2);
    out.clear();
    tick_after(1h);
    BOOST_TEST(book.tasks().has(2));
}

BOOST_AUTO_TEST_CASE(a_broker_out_of_reach_is_waited_for) {
    ledger::time now{1000s};
    ledger::actions out;
    ledger book({.heartbeat = beat, .connect_limit = 60s}, now);
    book.add(1, {}, now + 10s);
    book.add(2, {.start_by = now + 100s}, now);
    BOOST_TEST(!book.next());
    BOOST_TEST((*book.tasks().next_deadline() == now + 70s));
    book.tick(now + 70s, out);
    BOOST_TEST_REQUIRE(out.size() == 1);
    BOOST_TEST(out[0].number == 1);
    BOOST_TEST((out[0].kind == what::unreachable));
    book.tick(now + 100s, out);
    BOOST_TEST_REQUIRE(out.size() == 2);
    BOOST_TEST((out[1].kind == what::late));
}

BOOST_FIXTURE_TEST_CASE(once_the_broker_was_reached_tasks_wait_for_a_host_without_limit, fixture) {
    publish(1);
    tick_after(24h);
    BOOST_TEST(out.empty());
    book.consumer_lost(now);
    book.publisher_lost(now, out);
    tick_after(59s);
    BOOST_TEST(out.empty());
    tick_after(1s);
    BOOST_TEST((did(1) == kinds{what::died})); // it may have run
}

BOOST_FIXTURE_TEST_CASE(hosts_are_known_while_they_are_there, fixture) {
    book.announced({"ferry.host.a", "app/1", "0.1", 8, 1, false});
    BOOST_TEST(book.hosts().workers_for("app/1") == 8);
    book.announced({"ferry.host.a", "app/1", "0.1", 8, 1, true});
    BOOST_TEST(book.hosts().size() == 0);
}
