// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
// The tasks that a pool has elsewhere, and their sums, by stepping.
#define BOOST_TEST_MODULE ledger_tasks
#include <boost/test/unit_test.hpp>

#include <ferry/cluster.hpp>

#include "cluster/ledger_tasks.hpp"

using namespace ferry::detail::cluster;
using namespace std::chrono_literals;
using stage = ledger_task::stage;

namespace {

struct fixture {
    ledger_tasks::time now{1000s};
    ledger_tasks tasks;

    ledger_tasks::entry& add(std::uint64_t number, std::size_t bytes = 10) {
        return tasks.add(number, {.bytes = bytes}, now);
    }
    // The number of the next task to send, or 0.
    std::uint64_t send() {
        const auto* const e = tasks.send_next();
        return e != nullptr ? e->first : 0;
    }
    std::uint64_t due(ledger_tasks::time at) {
        const auto* const e = tasks.due(at);
        return e != nullptr ? e->first : 0;
    }
};

} // namespace

BOOST_FIXTURE_TEST_CASE(tasks_are_sent_in_their_order, fixture) {
    BOOST_TEST(send() == 0);
    auto& first = add(1);
    add(2);
    auto* const e = tasks.send_next();
    BOOST_TEST(e == &first);
    BOOST_TEST((first.second.at == stage::sent));
    BOOST_TEST(first.second.round == 1);
    BOOST_TEST(first.second.is_sent_as(1));
    BOOST_TEST(!first.second.is_sent_as(2));
    BOOST_TEST(send() == 2);
    BOOST_TEST(send() == 0);
}

BOOST_FIXTURE_TEST_CASE(a_task_that_waits_again_is_sent_once_in_its_next_round, fixture) {
    auto& e = add(1);
    add(2);
    send();
    e.second.host = "a";
    e.second.in_doubt = true;
    e.second.lost_at = now;
    e.second.note_start();
    tasks.wait(e);
    BOOST_TEST(!e.second.is_published());
    BOOST_TEST(!e.second.in_doubt);
    BOOST_TEST(!e.second.lost_at);
    BOOST_TEST(e.second.host.empty());
    BOOST_TEST(send() == 2);
    BOOST_TEST(send() == 1);
    BOOST_TEST(e.second.is_published_as(2));
    BOOST_TEST(!e.second.is_published_as(1));
    BOOST_TEST(!e.second.round_started);
    BOOST_TEST(e.second.starts == 1);
    BOOST_TEST(send() == 0);
}

BOOST_FIXTURE_TEST_CASE(what_has_left_is_not_sent, fixture) {
    tasks.erase(add(1));
    tasks.erase(add(2));
    add(2); // another one, in the first round too, of which the outbox has two entries
    BOOST_TEST(!tasks.has(1));
    BOOST_TEST(tasks.find(1) == nullptr);
    BOOST_TEST(send() == 2);
    BOOST_TEST(send() == 0);
}

BOOST_FIXTURE_TEST_CASE(what_does_not_run_has_not_started, fixture) {
    auto& first = add(1, 10);
    auto& second = add(2, 5);
    BOOST_TEST(tasks.unstarted() == 2);
    BOOST_TEST(tasks.unstarted_bytes() == 15);
    send();
    BOOST_TEST(tasks.unstarted_bytes() == 15);
    tasks.run(first);
    BOOST_TEST(tasks.running() == 1);
    BOOST_TEST(tasks.unstarted() == 1);
    BOOST_TEST(tasks.unstarted_bytes() == 5);
    tasks.wait(first);
    BOOST_TEST(tasks.running() == 0);
    BOOST_TEST(tasks.unstarted_bytes() == 15);
    send();
    send();
    tasks.run(first);
    tasks.erase(first);
    BOOST_TEST(tasks.running() == 0);
    BOOST_TEST(tasks.unstarted_bytes() == 5);
    tasks.wait(second);
    BOOST_TEST(tasks.unstarted_bytes() == 5);
    tasks.erase(second);
    BOOST_TEST(tasks.unstarted() == 0);
    BOOST_TEST(tasks.unstarted_bytes() == 0);
}

BOOST_FIXTURE_TEST_CASE(the_task_with_the_earliest_deadline_is_due_first, fixture) {
    BOOST_TEST(!tasks.next_deadline());
    auto& first = add(1);
    auto& second = add(2);
    tasks.schedule(first, now + 5s);
    tasks.schedule(second, now + 3s);
    BOOST_TEST((tasks.next_deadline() == now + 3s));
    BOOST_TEST(due(now + 2s) == 0);
    BOOST_TEST(due(now + 3s) == 2);
    tasks.schedule(second, now + 7s);
    BOOST_TEST((tasks.next_deadline() == now + 5s));
    BOOST_TEST(due(now + 9s) == 1);
    tasks.schedule(first, {});
    BOOST_TEST((tasks.next_deadline() == now + 7s));
    tasks.erase(second);
    BOOST_TEST(!tasks.next_deadline());
    BOOST_TEST(due(now + 9s) == 0);
}

BOOST_AUTO_TEST_CASE(a_publication_is_started_once) {
    ledger_task t{.f = {.idempotent = true, .attempts = 2}};
    BOOST_TEST(t.may_start_again());
    t.note_start();
    t.note_start();
    BOOST_TEST(t.starts == 1);
    BOOST_TEST(t.may_start_again());
    t.round_started = false;
    t.note_start();
    BOOST_TEST(t.starts == 2);
    BOOST_TEST(!t.may_start_again());
    t.f.attempts = 3;
    BOOST_TEST(t.may_start_again());
    t.f.idempotent = false;
    BOOST_TEST(!t.may_start_again());
}
