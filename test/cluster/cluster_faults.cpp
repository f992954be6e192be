// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
// Workers, hosts, connections and the broker that end or stop while tasks are under way.
#define BOOST_TEST_MODULE cluster_faults
#define BOOST_TEST_NO_MAIN
#include <boost/test/unit_test.hpp>

#include <ferry/cluster.hpp>
#include <ferry/ferry.hpp>

#include "helpers/cluster_helpers.hpp"
#include "helpers/proc.hpp"
#include "helpers/process_helpers.hpp"
#include "helpers/proxy.hpp"

#include <memory>

using namespace std::chrono_literals;
namespace utf = boost::unit_test;

namespace {

constexpr auto when_there_is_a_broker = needs_broker();

int note_and_crash(const std::string& path) {
    note(path);
    ::raise(SIGKILL);
    return 1;
}
// The second start gives a result.
int note_and_wait_the_first_time(const std::string& path) {
    note(path);
    while (notes(path) == 1)
        std::this_thread::sleep_for(1ms);
    return static_cast<int>(notes(path));
}

struct fixture {
    ferry::cluster_options at = own_application();
    marker ran;
    marker go;
    ~fixture() { touch(go.path()); }

    ferry::future<int> wait_for_go(ferry::cluster_pool& pool, bool idempotent = false,
                                   unsigned attempts = 1) {
        return pool.submit({.label = "waits", .idempotent = idempotent, .attempts = attempts},
                           note_and_wait, ran.path(), go.path());
    }
    bool has_run(std::size_t times) {
        return eventually([&] { return notes(ran.path()) == times; });
    }
};

// A fixture with a broker of its own, which it may end.
struct own_broker {
    test_broker broker;
    ferry::cluster_options at = broker.options();
    marker ran;
    marker go;
    ~own_broker() { touch(go.path()); }
};

} // namespace

// Ends: a worker process
BOOST_TEST_DECORATOR(*utf::precondition(when_there_is_a_broker))
BOOST_FIXTURE_TEST_CASE(a_dead_worker_fails_its_task_only, fixture) {
    const test_host host(at, 2);
    ferry::cluster_pool pool(at);
    auto other = wait_for_go(pool);
    auto f = pool.submit({.label = "crash"}, note_and_crash, ran.path());
    BOOST_CHECK_EXCEPTION(f.result(), ferry::worker_died, [](const ferry::worker_died& e) {
        return e.signal() == SIGKILL && e.label() == "crash";
    });
    touch(go.path());
    BOOST_TEST(other.result() == 1);
}

BOOST_TEST_DECORATOR(*utf::precondition(when_there_is_a_broker))
BOOST_FIXTURE_TEST_CASE(an_idempotent_task_is_started_attempts_times, fixture) {
    const test_host host(at, 1);
    ferry::cluster_pool pool(at);
    auto f = pool.submit({.idempotent = true, .attempts = 3}, note_and_crash, ran.path());
    BOOST_CHECK_THROW(f.result(), ferry::worker_died);
    BOOST_TEST(notes(ran.path()) == 3);
    auto once = pool.submit({.idempotent = false, .attempts = 3}, note_and_crash, ran.path());
    BOOST_CHECK_THROW(once.result(), ferry::worker_died);
    BOOST_TEST(notes(ran.path()) == 4);
}

// Ends: a host
BOOST_TEST_DECORATOR(*utf::precondition(when_there_is_a_broker))
BOOST_FIXTURE_TEST_CASE(a_killed_host_fails_what_it_ran_as_soon_as_another_has_it, fixture) {
    at.heartbeat = 60s; // so that it is not the beats that tell
    test_host first(at, 1);
    ferry::cluster_pool pool(at);
    auto f = wait_for_go(pool);
    BOOST_TEST_REQUIRE(has_run(1));
    const test_host second(at, 1);
    BOOST_TEST_REQUIRE(eventually([&] { return pool.max_workers() == 2; }));
    first.process().end(SIGKILL);
    BOOST_CHECK_EXCEPTION(f.result(), ferry::worker_died, [](const ferry::worker_died& e) {
        return std::string_view(e.what()).find("may have run") != std::string_view::npos;
    });
    BOOST_TEST(notes(ran.path()) == 1);
    BOOST_TEST(pool.submit(twice, 4).result() == 8);
}

BOOST_TEST_DECORATOR(*utf::precondition(when_there_is_a_broker))
BOOST_FIXTURE_TEST_CASE(an_idempotent_task_of_a_killed_host_runs_elsewhere, fixture) {
    test_host first(at, 1);
    ferry::cluster_pool pool(at);
    auto f =
        pool.submit({.idempotent = true, .attempts = 2}, note_and_wait_the_first_time, ran.path());
    BOOST_TEST_REQUIRE(has_run(1));
    const test_host second(at, 1);
    first.process().end(SIGKILL);
    BOOST_TEST(f.result() == 2);
}

BOOST_TEST_DECORATOR(*utf::precondition(when_there_is_a_broker))
BOOST_FIXTURE_TEST_CASE(a_killed_host_without_another_is_missed_by_its_beats, fixture) {
    test_host host(at, 1);
    ferry::cluster_pool pool(at);
    auto f = wait_for_go(pool);
    BOOST_TEST_REQUIRE(has_run(1));
    BOOST_TEST_REQUIRE(eventually([&] { return f.running(); }));
    host.process().end(SIGKILL);
    BOOST_CHECK_THROW(f.result(), ferry::worker_died);
}

// Ends: a host that stops answering (SIGSTOP, a cut cable)
BOOST_TEST_DECORATOR(*utf::precondition(when_there_is_a_broker))
BOOST_FIXTURE_TEST_CASE(a_stopped_host_is_lost_and_its_late_outcome_dropped, fixture) {
    test_host host(at, 1);
    ferry::cluster_pool pool(at);
    auto f = wait_for_go(pool);
    BOOST_TEST_REQUIRE(has_run(1));
    BOOST_TEST_REQUIRE(eventually([&] { return f.running(); }));
    host.process().signal_all(SIGSTOP);
    BOOST_CHECK_THROW(f.result(), ferry::worker_died);
    touch(go.path());
    host.process().signal_all(SIGCONT);
    BOOST_TEST(pool.submit(twice, 4).result() == 8); // the host goes on
}

BOOST_TEST_DECORATOR(*utf::precondition(when_there_is_a_broker))
BOOST_FIXTURE_TEST_CASE(a_living_host_is_never_lost, fixture) {
    at.heartbeat = 1s; // longer than a busy machine may stop a process
    const test_host host(at, 1);
    ferry::cluster_pool pool(at);
    auto f = pool.submit(sleeping, 5000); // 5 beats, and 2 would be too many
    BOOST_TEST(f.result() > 0);
}

// Ends: a host that is told to end (SIGTERM)
BOOST_TEST_DECORATOR(*utf::precondition(when_there_is_a_broker))
BOOST_FIXTURE_TEST_CASE(a_host_that_is_told_to_end_finishes_what_it_runs, fixture) {
    auto host = std::make_unique<test_host>(at, 1);
    ferry::cluster_pool pool(at);
    auto running = wait_for_go(pool);
    BOOST_TEST_REQUIRE(has_run(1));
    auto held = pool.submit(twice, 2);
    auto queued = pool.submit(twice, 3);
    host->process().signal(SIGTERM);
    const test_host second(at, 1);
    BOOST_TEST(queued.result() == 6);
    BOOST_TEST(held.result() == 4); // given back, not lost
    BOOST_TEST(!running.done());
    touch(go.path());
    BOOST_TEST(running.result() == 1);
    const int status = host->process().wait();
    BOOST_TEST(WIFEXITED(status));
    BOOST_TEST(WEXITSTATUS(status) == 0);
}

BOOST_TEST_DECORATOR(*utf::precondition(when_there_is_a_broker))
BOOST_FIXTURE_TEST_CASE(a_drain_that_takes_too_long_ends_the_workers, fixture) {
    test_host host(at, 1, {"FERRY_TEST_DRAIN=50"});
    ferry::cluster_pool pool(at);
    auto f = wait_for_go(pool);
    BOOST_TEST_REQUIRE(has_run(1));
    host.process().signal(SIGTERM);
    BOOST_CHECK_THROW(f.result(), ferry::worker_died);
    const int status = host.process().wait();
    BOOST_TEST(WIFEXITED(status));
    BOOST_TEST(WEXITSTATUS(status) == 0);
}

BOOST_TEST_DECORATOR(*utf::precondition(when_there_is_a_broker))
BOOST_FIXTURE_TEST_CASE(a_cancelled_task_does_not_hold_up_the_next, fixture) {
    const test_host host(at, 1);
    ferry::cluster_pool pool(at);
    auto busy = wait_for_go(pool);
    BOOST_TEST_REQUIRE(has_run(1));
    marker never;
    auto f = pool.submit(touch, never.path());
    BOOST_TEST(f.cancel());
    touch(go.path());
    BOOST_TEST(busy.result() == 1);
    BOOST_TEST(pool.submit(twice, 1).result() == 2); // behind it in the queue
    BOOST_TEST(f.cancelled());                       // whether it ran is for the note to be in time
}

BOOST_TEST_DECORATOR(*utf::precondition(when_there_is_a_broker))
BOOST_FIXTURE_TEST_CASE(a_cancelled_wait_ends_the_running_call, fixture) {
    const test_host host(at, 1);
    ferry::cluster_pool pool(at);
    auto f = ferry::run_coroutine_threadsafe(
        boost::asio::system_executor(),
        [](ferry::cluster_pool& p, std::string a, std::string b) -> boost::asio::awaitable<int> {
            co_return co_await ferry::run_in_executor(p, note_and_wait, a, b);
        }(pool, ran.path(), go.path()));
    BOOST_TEST_REQUIRE(has_run(1));
    BOOST_TEST(f.cancel());
    BOOST_TEST(pool.submit(twice, 1).result() == 2); // by another worker process
}

// Ends: a connection of the pool
BOOST_TEST_DECORATOR(*utf::precondition(when_there_is_a_broker))
BOOST_FIXTURE_TEST_CASE(connections_that_are_cut_lose_nothing, fixture) {
    test_proxy proxy(shared_broker()->port());
    auto through = at;
    through.url = "amqp://ferry@127.0.0.1:" + std::to_string(proxy.port()) + "/";
    const test_host host(at, 2);
    ferry::cluster_pool pool(through);
    std::vector<ferry::future<int>> all;
    for (int round = 0; round != 5; ++round) {
        for (int i = 0; i != 20; ++i)
            all.push_back(pool.submit({.idempotent = true}, twice, round * 20 + i));
        proxy.cut(static_cast<std::size_t>(round) * 700);
    }
    for (int i = 0; i != 100; ++i)
        BOOST_TEST(all[static_cast<std::size_t>(i)].result() == 2 * i);
}

// The client library can wait without a limit for a sign of life when it publishes.
BOOST_TEST_DECORATOR(*utf::precondition(when_there_is_a_broker))
BOOST_FIXTURE_TEST_CASE(connections_that_go_silent_lose_nothing, fixture) {
    test_proxy proxy(shared_broker()->port());
    auto through = at;
    through.heartbeat = 1s;
    through.url = "amqp://ferry@127.0.0.1:" + std::to_string(proxy.port()) + "/";
    const test_host host(at, 2);
    ferry::cluster_pool pool(through);
    BOOST_TEST(pool.submit(twice, 1).result(patience) == 2);
    proxy.freeze();
    // One by one, until the publisher has met the end of the broker's time in the middle of one.
    std::vector<ferry::future<int>> all;
    for (const auto until = std::chrono::steady_clock::now() + 3s;
         std::chrono::steady_clock::now() < until;) {
        all.push_back(pool.submit({.idempotent = true, .attempts = 5}, twice, 3));
        std::this_thread::sleep_for(2ms);
    }
    for (auto& f : all)
        BOOST_TEST(f.result(patience) == 6);
}

// Ends: a connection of a host
BOOST_TEST_DECORATOR(*utf::precondition(when_there_is_a_broker))
BOOST_FIXTURE_TEST_CASE(a_host_whose_connections_are_cut_goes_on_with_its_task, fixture) {
    test_proxy proxy(shared_broker()->port());
    auto through = at;
    through.url = "amqp://ferry@127.0.0.1:" + std::to_string(proxy.port()) + "/";
    const test_host host(through, 1);
    ferry::cluster_pool pool(at);
    auto f = wait_for_go(pool);
    BOOST_TEST_REQUIRE(has_run(1));
    BOOST_TEST_REQUIRE(eventually([&] { return f.running(); }));
    proxy.cut(0);
    touch(go.path());
    BOOST_TEST(f.result() == 1);
    BOOST_TEST(notes(ran.path()) == 1);
}

// Ends: the broker, without `durable`
// Ends: the broker, with `durable`
BOOST_TEST_DECORATOR(*utf::precondition(when_there_is_a_broker))
BOOST_AUTO_TEST_CASE(a_restarted_broker_loses_what_it_held_unless_that_is_durable) {
    own_broker b;
    b.at.heartbeat = 1s;
    auto durable = b.at;
    durable.application = "durable";
    durable.durable = true;
    ferry::cluster_pool pool(b.at);
    ferry::cluster_pool durable_pool(durable);
    auto running_host = std::make_unique<test_host>(b.at, 1);
    auto running = pool.submit(note_and_wait, b.ran.path(), b.go.path());
    BOOST_TEST_REQUIRE(eventually([&] { return running.running(); }));
    auto again = pool.submit({.idempotent = true}, twice, 1);
    auto lost = pool.submit(twice, 2);
    auto kept = durable_pool.submit(twice, 3);
    // A confirmed task is one that a second connection finds in the queue.
    BOOST_TEST_REQUIRE(eventually([&] { return durable_pool.stats().queued == 1; }));
    // Nobody tells that. One behind it that has seconds is published and confirmed, too, on a
    // machine that is busy with others.
    BOOST_CHECK_THROW(
        durable_pool.submit({.start_by = std::chrono::steady_clock::now() + 5s}, twice, 3).result(),
        ferry::no_worker_error);
    b.broker.kill();
    b.broker.start();
    const test_host durable_host(durable, 1);
    BOOST_CHECK_NO_THROW(BOOST_TEST(kept.result() == 6));
    touch(b.go.path());
    BOOST_CHECK_NO_THROW(BOOST_TEST(running.result() == 1)); // its host has kept it
    BOOST_CHECK_NO_THROW(BOOST_TEST(again.result() == 2));
    try {
        BOOST_TEST(lost.result() == 4); // if its host held it, and got it back
    } catch (const ferry::worker_died&) {
    }
}

BOOST_TEST_DECORATOR(*utf::precondition(when_there_is_a_broker))
BOOST_AUTO_TEST_CASE(a_broker_that_stops_for_a_while_loses_nothing) {
    own_broker b;
    const test_host host(b.at, 1);
    ferry::cluster_pool pool(b.at);
    BOOST_TEST(pool.submit(twice, 1).result() == 2);
    b.broker.pause();
    std::vector<ferry::future<int>> all;
    for (int i = 0; i != 50; ++i)
        all.push_back(pool.submit({.idempotent = true}, twice, i));
    b.broker.go_on();
    for (int i = 0; i != 50; ++i)
        BOOST_TEST(all[static_cast<std::size_t>(i)].result() == 2 * i);
}

int main(int argc, char** argv) {
    return run_cluster_tests<twice, sleeping, touch, note_and_wait, note_and_crash,
                             note_and_wait_the_first_time>(argc, argv);
}
