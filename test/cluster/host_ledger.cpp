// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
// What a worker host does with a delivery, by stepping.
#define BOOST_TEST_MODULE host_ledger
#include <boost/test/unit_test.hpp>

#include <ferry/cluster.hpp>

#include "cluster/host_ledger.hpp"

using namespace ferry::detail::cluster;
using what = host_ledger::what;

namespace {

task_id id_of(std::uint64_t number, std::uint32_t round = 1) {
    return {"ferry.reply.a", number, round};
}

struct fixture {
    host_ledger host{2};
    host_ledger::actions out;

    // The actions since the last call, as text: "run 1", "acknowledge 1 tag 5".
    std::string did() {
        static constexpr const char* names[] = {"run",    "decline", "acknowledge",
                                                "forget", "stop",    "end"};
        std::string text;
        for (const auto& a : out) {
            text += text.empty() ? "" : ", ";
            text += names[static_cast<int>(a.kind)] + (" " + std::to_string(a.id.number));
            if (a.kind == what::acknowledge)
                text += " tag " + std::to_string(a.tag);
            if (a.kind == what::decline)
                text += a.reason == decline_reason::draining ? " draining" : " redelivered";
        }
        out.clear();
        return text;
    }
    void deliver(std::uint64_t number, bool redelivered = false) {
        host.delivered(id_of(number), number + 100, redelivered, out);
    }
};

} // namespace

BOOST_FIXTURE_TEST_CASE(an_outcome_is_acknowledged_after_the_broker_has_confirmed_it, fixture) {
    deliver(1);
    BOOST_TEST(did() == "run 1");
    host.finished(id_of(1), out);
    BOOST_TEST(did() == "");
    host.reported(id_of(1), out);
    BOOST_TEST(did() == "acknowledge 1 tag 101");
    host.reported(id_of(1), out);
    BOOST_TEST(did() == "");
    BOOST_TEST(host.size() == 0);
}

BOOST_FIXTURE_TEST_CASE(one_more_than_there_are_workers_is_held, fixture) {
    BOOST_TEST(host.prefetch() == 3);
    deliver(1);
    deliver(2);
    deliver(3);
    BOOST_TEST(did() == "run 1, run 2");
    BOOST_TEST(host.running() == 2);
    host.finished(id_of(2), out);
    BOOST_TEST(did() == "run 3");
    host.finished(id_of(3), out);
    host.finished(id_of(1), out);
    BOOST_TEST(host.running() == 0);
}

BOOST_FIXTURE_TEST_CASE(a_redelivered_task_is_not_run, fixture) {
    deliver(1, true);
    BOOST_TEST(did() == "decline 1 redelivered");
    host.reported(id_of(1), out);
    BOOST_TEST(did() == "acknowledge 1 tag 101");
}

BOOST_FIXTURE_TEST_CASE(what_comes_back_to_the_host_that_has_it_goes_on_there, fixture) {
    deliver(1);
    deliver(2);
    deliver(3);
    out.clear();
    host.connection_lost(out);
    host.finished(id_of(1), out);
    host.reported(id_of(1), out);
    BOOST_TEST(did() == ""); // 3 has no delivery, and 1 has none to acknowledge
    host.delivered(id_of(2), 7, true, out);
    BOOST_TEST(did() == "");
    host.delivered(id_of(3), 8, true, out);
    BOOST_TEST(did() == "run 3");
    host.finished(id_of(2), out);
    host.reported(id_of(2), out);
    BOOST_TEST(did() == "acknowledge 2 tag 7");
    host.delivered(id_of(1), 9, true, out); // which was reported
    BOOST_TEST(did() == "decline 1 redelivered");
}

BOOST_FIXTURE_TEST_CASE(what_is_held_and_does_not_come_back_is_forgotten, fixture) {
    deliver(1);
    deliver(2);
    deliver(3);
    out.clear();
    host.connection_lost(out);
    BOOST_TEST(host.known("ferry.reply.a").held.empty()); // it may never come back
    host.delivered(id_of(1), 7, true, out);
    BOOST_TEST(did() == "");
    host.connection_lost(out);
    BOOST_TEST(did() == "forget 3");
    BOOST_TEST(host.size() == 2);
}

BOOST_FIXTURE_TEST_CASE(a_cancelled_task_is_dropped_unrun_or_ended, fixture) {
    deliver(1);
    deliver(2);
    deliver(3);
    out.clear();
    host.cancelled({"ferry.reply.b", false, {1}}, out); // another pool's
    BOOST_TEST(did() == "");
    host.cancelled({"ferry.reply.a", false, {1, 3, 4}}, out);
    BOOST_TEST(did() == "end 1, acknowledge 3 tag 103");
    host.delivered(id_of(4), 104, false, out);
    BOOST_TEST(did() == "acknowledge 4 tag 104");
    host.cancelled({"ferry.reply.a", true, {2, 5}}, out);
    BOOST_TEST(did() == "stop 2");
    host.finished(id_of(2), out);
    deliver(5);
    BOOST_TEST(did() == "run 5");
}

BOOST_FIXTURE_TEST_CASE(a_bounded_number_of_cancelled_tasks_is_remembered, fixture) {
    for (std::uint64_t n = 0; n <= host_ledger::remembered; ++n)
        host.cancelled({"ferry.reply.a", false, {n}}, out);
    deliver(0);
    BOOST_TEST(did() == "run 0");
    deliver(1);
    BOOST_TEST(did() == "acknowledge 1 tag 101");
}

BOOST_FIXTURE_TEST_CASE(a_draining_host_gives_back_what_it_has_not_started, fixture) {
    deliver(1);
    deliver(2);
    deliver(3);
    out.clear();
    host.drain(out);
    BOOST_TEST(did() == "decline 3 draining");
    deliver(4);
    BOOST_TEST(did() == "decline 4 draining");
    host.finished(id_of(1), out);
    BOOST_TEST(did() == "");
    host.reported(id_of(3), out);
    host.reported(id_of(1), out);
    BOOST_TEST(did() == "acknowledge 3 tag 103, acknowledge 1 tag 101");
    BOOST_TEST(host.size() == 2); // 2 runs, and 4 is being given back
}

BOOST_FIXTURE_TEST_CASE(beats_list_what_is_here_and_not_reported, fixture) {
    deliver(1);
    deliver(2);
    deliver(3);
    host.delivered({"ferry.reply.b", 1, 4}, 9, false, out);
    host.finished(id_of(1), out); // and 3 starts
    const auto all = host.known();
    BOOST_TEST_REQUIRE(all.size() == 2);
    BOOST_TEST((all.at("ferry.reply.a").running == std::vector<std::uint64_t>{2, 1, 3, 1}));
    BOOST_TEST(all.at("ferry.reply.a").held.empty());
    BOOST_TEST((all.at("ferry.reply.b").held == std::vector<std::uint64_t>{1, 4}));
    BOOST_TEST((host.known("ferry.reply.b").held == std::vector<std::uint64_t>{1, 4}));
    BOOST_TEST(host.is_running(id_of(2)));
    BOOST_TEST(!host.is_running(id_of(1)));
}
