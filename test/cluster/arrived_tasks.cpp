// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
// What a worker host keeps of the tasks that are there, by stepping.
#define BOOST_TEST_MODULE arrived_tasks
#include <boost/test/unit_test.hpp>

#include "cluster/arrived_tasks.hpp"

using namespace std::chrono_literals;
using namespace ferry::detail::cluster;

namespace {

constexpr arrived_tasks::clock::time_point start{1h};

task_id id_of(std::uint64_t number) { return {"ferry.reply.a", number, 1}; }

host_call_ptr new_call() { // which no pool runs
    return host_call_ptr(new host_call(nullptr, typeid(void)));
}

struct fixture {
    arrived_tasks tasks;
    const std::shared_ptr<int> message = std::make_shared<int>(1);
    const std::vector<std::byte> bytes = std::vector<std::byte>(3);

    void add(std::uint64_t number, const std::string& label = {}) {
        tasks.add({.id = id_of(number), .label = label, .arguments = bytes}, message);
    }
    host_call_ptr hand_over(std::uint64_t number, bool started = false) {
        tasks.prepare(id_of(number), start, false, started);
        const auto call = new_call();
        tasks.hand_over(id_of(number), call);
        return call;
    }
};

} // namespace

BOOST_FIXTURE_TEST_CASE(a_task_that_arrives_again_stays_as_it_is, fixture) {
    BOOST_TEST(tasks.find(id_of(1)) == nullptr);
    add(1, "first");
    const auto call = hand_over(1);
    add(1, "again");
    const arrived_task* const t = tasks.find(id_of(1));
    BOOST_TEST_REQUIRE(t != nullptr);
    BOOST_TEST(t->frame.label == "first");
    BOOST_TEST(t->call == call);
    tasks.erase(id_of(1));
    BOOST_TEST(tasks.find(id_of(1)) == nullptr);
}

BOOST_FIXTURE_TEST_CASE(the_message_is_kept_until_the_arguments_were_copied, fixture) {
    add(1);
    BOOST_TEST(message.use_count() == 2);
    BOOST_TEST(tasks.find(id_of(1))->frame.arguments.size() == 3u);
    tasks.prepare(id_of(1), start, true, true);
    BOOST_TEST(message.use_count() == 1);
    const auto t = tasks.take(id_of(1));
    BOOST_TEST_REQUIRE(t.has_value());
    BOOST_TEST(t->frame.arguments.empty());
    BOOST_TEST(t->limited_by_host);
    BOOST_TEST(t->has_started);
    BOOST_CHECK(t->started == start);
    BOOST_TEST(!tasks.take(id_of(1)).has_value());
}

BOOST_FIXTURE_TEST_CASE(what_is_asked_before_there_is_a_call_is_noted_for_it, fixture) {
    add(1);
    add(2);
    add(3);
    BOOST_TEST(tasks.ask_to_stop(id_of(1)) == nullptr);
    BOOST_TEST(tasks.end(id_of(2)) == nullptr);
    for (std::uint64_t n = 1; n <= 3; ++n) {
        tasks.prepare(id_of(n), start, false, false);
        const arrived_task& t = tasks.hand_over(id_of(n), new_call());
        BOOST_TEST(t.asked_to_stop == (n == 1));
        BOOST_TEST(t.unwanted == (n == 2));
    }
}

BOOST_FIXTURE_TEST_CASE(what_is_asked_later_goes_to_the_call, fixture) {
    add(1);
    const auto call = hand_over(1);
    BOOST_TEST(tasks.ask_to_stop(id_of(1)) == call);
    BOOST_TEST(tasks.end(id_of(1)) == call);
    BOOST_TEST(!tasks.find(id_of(1))->asked_to_stop);
    BOOST_TEST(!tasks.find(id_of(1))->unwanted);
    BOOST_TEST(tasks.ask_to_stop(id_of(2)) == nullptr); // which is not here
    BOOST_TEST(tasks.end(id_of(2)) == nullptr);
}

BOOST_FIXTURE_TEST_CASE(an_acknowledged_task_without_a_call_is_gone, fixture) {
    add(1);
    add(2);
    const auto call = hand_over(2);
    tasks.erase_held(id_of(1));
    tasks.erase_held(id_of(2));
    tasks.erase_held(id_of(3));
    BOOST_TEST(tasks.find(id_of(1)) == nullptr);
    BOOST_TEST(tasks.find(id_of(2)) != nullptr);
}

BOOST_FIXTURE_TEST_CASE(a_start_is_noted_once, fixture) {
    add(1);
    BOOST_TEST(tasks.unstarted_call(id_of(1)) == nullptr);
    const auto call = hand_over(1);
    BOOST_TEST(tasks.unstarted_call(id_of(1)) == call);
    BOOST_TEST(tasks.mark_started(id_of(1)));
    BOOST_TEST(!tasks.mark_started(id_of(1)));
    BOOST_TEST(tasks.unstarted_call(id_of(1)) == nullptr);
    BOOST_TEST(!tasks.mark_started(id_of(2)));
    BOOST_TEST(tasks.unstarted_call(id_of(2)) == nullptr);
}

BOOST_FIXTURE_TEST_CASE(a_pool_hears_of_what_the_local_pool_has_not_started_as_held, fixture) {
    for (std::uint64_t n = 1; n <= 3; ++n)
        add(n);
    hand_over(1, true);
    hand_over(2);
    host_ledger::known_tasks known{.running = {1, 1, 2, 1, 3, 1, 4, 1}, .held = {5, 1}};
    tasks.move_unstarted("ferry.reply.a", known);
    // 4 is about to be reported
    BOOST_TEST((known.running == std::vector<std::uint64_t>{1, 1, 4, 1}));
    BOOST_TEST((known.held == std::vector<std::uint64_t>{5, 1, 2, 1, 3, 1}));
}
