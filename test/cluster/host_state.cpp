// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
// What a worker host does about what its ledger decides, by stepping: without a broker, and with a
// pool that starts nothing.
#define BOOST_TEST_MODULE host_state
#define BOOST_TEST_NO_MAIN
#include <boost/test/unit_test.hpp>

#include "cluster/host_state.hpp"
#include "helpers/worker_main.hpp"

#include <variant>

using namespace std::chrono_literals;
using namespace ferry::detail;
using namespace ferry::detail::cluster;

namespace {

task_id id_of(std::uint64_t number) { return {"ferry.reply.a", number, 1}; }

struct fixture {
    explicit fixture(bool durable = false)
        : host({.url = "amqp://127.0.0.1",
                .application = "host_state",
                .heartbeat = 7s,
                .durable = durable},
               {.processes = {.max_workers = 2}}) {}

    host_state host;
    host_state::to_do todo;

    void deliver(std::uint64_t number) {
        const annotated_lock lock(host.mutex);
        host_ledger::actions actions;
        host.tasks.add({.id = id_of(number)}, nullptr);
        host.ledger.delivered(id_of(number), number + 100, false, actions);
        host.perform(actions, todo);
    }
    // What is handed to the local pool.
    std::vector<std::uint64_t> run() {
        std::vector<std::uint64_t> numbers;
        for (const auto& id : std::exchange(todo.run, {}))
            numbers.push_back(id.number);
        return numbers;
    }
    // What is published, as text: "declined 3, beat 1".
    std::string said() {
        const annotated_lock lock(host.mutex);
        std::string text;
        while (const auto next = host.outbox.take()) {
            std::string why;
            const auto f = read_frame(next->what->body, why);
            BOOST_TEST_REQUIRE(f.has_value(), why);
            text += text.empty() ? "" : ", ";
            if (const auto* const s = std::get_if<started_frame>(&*f)) {
                BOOST_TEST(s->host == host.self.name);
                BOOST_TEST((s->beat == 7s));
                text += "started " + std::to_string(s->number);
            } else if (const auto* const d = std::get_if<declined_frame>(&*f)) {
                text += "declined " + std::to_string(d->number);
            } else if (const auto* const b = std::get_if<beat_frame>(&*f)) {
                BOOST_TEST(b->host == host.self.name);
                text += "beat " + std::to_string(b->running.size()) + " " +
                        std::to_string(b->held.size());
            } else if (const auto* const a = std::get_if<announce_frame>(&*f)) {
                BOOST_TEST(a->host == host.self.name);
                BOOST_TEST(a->build == host.self.tasks_name);
                text += std::string("announce") + (a->leaving ? " leaving" : "") + " to '" +
                        next->what->key + "' by '" + next->what->exchange + "'";
            }
            BOOST_TEST((next->what->key == "ferry.reply.a" || !next->what->exchange.empty()));
        }
        return text;
    }
    bool is_here(std::uint64_t number) {
        const annotated_lock lock(host.mutex);
        return host.tasks.find(id_of(number)) != nullptr;
    }
    void cancel(std::uint64_t number, bool only_ask) {
        const annotated_lock lock(host.mutex);
        host_ledger::actions actions;
        host.ledger.cancelled({"ferry.reply.a", only_ask, {number}}, actions);
        host.perform(actions, todo);
    }
    host_call_ptr hand_over(std::uint64_t number) {
        const annotated_lock lock(host.mutex);
        host_call_ptr call(new host_call(nullptr, typeid(void)));
        host.tasks.prepare(id_of(number), {}, false, false);
        host.tasks.hand_over(id_of(number), call);
        return call;
    }
};

struct durable_fixture : fixture {
    durable_fixture() : fixture(true) {}
};

} // namespace

BOOST_FIXTURE_TEST_CASE(a_task_is_handed_over_at_once, fixture) {
    for (std::uint64_t n = 1; n <= 3; ++n)
        deliver(n);
    BOOST_TEST((run() == std::vector<std::uint64_t>{1, 2}));
    BOOST_TEST(said() == "");
    BOOST_TEST(is_here(3));
}

BOOST_FIXTURE_TEST_CASE(a_durable_task_is_handed_over_once_its_start_is_confirmed,
                        durable_fixture) {
    deliver(1);
    BOOST_TEST(run().empty());
    BOOST_TEST(said() == "started 1");
    const annotated_lock lock(host.mutex);
    std::vector<report_outbox::confirmation> all;
    host.outbox.confirmed(1, false, true, {}, all);
    BOOST_TEST_REQUIRE(all.size() == 1u);
    BOOST_TEST((all[0].id == id_of(1)));
    BOOST_TEST(all[0].starts);
}

BOOST_FIXTURE_TEST_CASE(what_is_declined_is_gone_and_acknowledged_after_the_confirm, fixture) {
    for (std::uint64_t n = 1; n <= 3; ++n)
        deliver(n);
    const annotated_lock lock(host.mutex);
    host_ledger::actions actions;
    host.ledger.drain(actions);
    host.perform(actions, todo);
    BOOST_TEST(host.tasks.find(id_of(3)) == nullptr);
    BOOST_TEST(host.acknowledgements.empty());
    actions.clear();
    host.ledger.reported(id_of(3), actions);
    host.perform(actions, todo);
    BOOST_TEST((host.acknowledgements == std::vector<std::uint64_t>{103}));
    const auto declined = host.outbox.take();
    BOOST_TEST_REQUIRE(declined.has_value());
    BOOST_TEST((declined->what->id == id_of(3)));
    BOOST_TEST(!declined->what->starts);
}

BOOST_FIXTURE_TEST_CASE(a_cancelled_task_that_is_held_is_gone, fixture) {
    for (std::uint64_t n = 1; n <= 3; ++n)
        deliver(n);
    cancel(3, false);
    BOOST_TEST(!is_here(3));
    BOOST_TEST(is_here(2));
    const annotated_lock lock(host.mutex);
    BOOST_TEST((host.acknowledgements == std::vector<std::uint64_t>{103}));
}

BOOST_FIXTURE_TEST_CASE(a_call_that_runs_is_ended_or_asked_to_stop, fixture) {
    deliver(1);
    deliver(2);
    cancel(1, true); // before the local pool has it
    BOOST_TEST(todo.stop.empty());
    const auto first = hand_over(1);
    const auto second = hand_over(2);
    cancel(1, true);
    cancel(2, false);
    BOOST_TEST_REQUIRE(todo.stop.size() == 1u);
    BOOST_TEST_REQUIRE(todo.end.size() == 1u);
    BOOST_TEST(todo.stop[0] == first);
    BOOST_TEST(todo.end[0] == second);
}

BOOST_FIXTURE_TEST_CASE(a_beat_tells_what_runs_and_what_is_held, fixture) {
    for (std::uint64_t n = 1; n <= 3; ++n)
        deliver(n);
    hand_over(1);
    {
        const annotated_lock lock(host.mutex);
        host.tasks.mark_started(id_of(1));
        host.tell("ferry.reply.a", host.ledger.known("ferry.reply.a"));
    }
    BOOST_TEST(said() == "beat 2 4"); // number and round of each
}

BOOST_FIXTURE_TEST_CASE(a_host_announces_itself_to_everybody_or_to_who_asks, fixture) {
    {
        const annotated_lock lock(host.mutex);
        host.say(host.self.announcement(2, true));
        host.say(host.self.announcement_to("ferry.reply.a", 2));
    }
    BOOST_TEST(said() == "announce leaving to '' by '" + host.self.exchange +
                             "', announce to 'ferry.reply.a' by ''");
}

BOOST_FIXTURE_TEST_CASE(it_is_over_when_it_drains_and_nothing_is_left, fixture) {
    BOOST_TEST(!host.is_over());
    host.ask_to_end();
    BOOST_TEST(host.asked_to_end.load() == 1u);
    annotated_lock lock(host.mutex);
    host.phase.drain(host_phase::clock::time_point::max());
    lock.unlock();
    BOOST_TEST(host.is_over());
    lock.lock();
    host.say(host.self.announcement(2, true));
    lock.unlock();
    BOOST_TEST(!host.is_over());
    said(); // and unconfirmed
    BOOST_TEST(!host.is_over());
    lock.lock();
    std::vector<report_outbox::confirmation> none;
    host.outbox.confirmed(1, false, true, {}, none);
    lock.unlock();
    BOOST_TEST(host.is_over());
    lock.lock();
    host.acknowledgements.push_back(1);
    lock.unlock();
    BOOST_TEST(!host.is_over());
    deliver(1);
    host.fail("a reason");
    lock.lock();
    BOOST_TEST(host.phase.failure() == "a reason");
    host.phase.stop();
    lock.unlock();
    BOOST_TEST(host.is_over());
}
