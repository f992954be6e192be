// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
// A cluster pool and worker hosts with a broker.
#define BOOST_TEST_MODULE cluster_pool
#define BOOST_TEST_NO_MAIN
#include <boost/test/unit_test.hpp>

#include <ferry/cluster.hpp>
#include <ferry/ferry.hpp>

#include "helpers/cluster_helpers.hpp"
#include "helpers/proc.hpp"
#include "helpers/process_helpers.hpp"
#include "helpers/run_on.hpp"

#include <numeric>
#include <ranges>

namespace asio = boost::asio;
using namespace std::chrono_literals;

int not_allowed(int x) { return x; }

namespace {

constexpr auto when_there_is_a_broker = needs_broker();

int waits_for_stop(std::stop_token stop) {
    while (!stop.stop_requested())
        std::this_thread::sleep_for(1ms);
    return 7;
}

struct fixture {
    ferry::cluster_options at = own_application();
};

// Whether a wait ends in a time that is long for a test that works.
template <class F>
bool ends(F& f) {
    return f.wait_for(60s);
}

} // namespace

BOOST_TEST_DECORATOR(*boost::unit_test::precondition(when_there_is_a_broker))
BOOST_FIXTURE_TEST_CASE(calls_run_on_a_host, fixture) {
    const test_host host(at);
    ferry::cluster_pool pool(at);
    const auto pid = pool.submit([] { return ::getpid(); });
    BOOST_TEST_REQUIRE(ends(pid));
    BOOST_TEST(pid.result() != ::getpid());
    BOOST_TEST(pid.result() != host.pid());
    BOOST_TEST(pool.submit(twice, 21).result() == 42);
    BOOST_TEST(
        pool.submit([](const std::string& a, int n) { return a + std::to_string(n); }, "x", 5)
            .result() == "x5");
    pool.submit([] {}).result();
    const auto failed = pool.submit([]() -> int { throw std::out_of_range("too far"); });
    BOOST_CHECK_EXCEPTION(failed.result(), std::out_of_range, [](const std::out_of_range& e) {
        return std::string_view(e.what()) == "too far";
    });
    BOOST_TEST(pool.max_workers() == 2);
    const auto s = pool.stats();
    BOOST_TEST(s.completed == 4);
    BOOST_TEST(s.failed == 1);
    BOOST_TEST(s.queued == 0);
    BOOST_TEST(s.running == 0);
}

BOOST_TEST_DECORATOR(*boost::unit_test::precondition(when_there_is_a_broker))
BOOST_FIXTURE_TEST_CASE(map_gives_results_in_order, fixture) {
    const test_host host(at);
    ferry::cluster_pool pool(at);
    int expected = 0;
    for (const int x : pool.map(twice, std::views::iota(0, 200)))
        BOOST_TEST(x == 2 * expected++);
    BOOST_TEST(expected == 200);
    int sum = 0;
    for (const int x : pool.map(
             {.chunksize = 7, .buffersize = 20}, [](int a, int b) { return a * b; },
             std::views::iota(0), std::views::iota(0, 100)))
        sum += x;
    BOOST_TEST(sum == 328350);
}

BOOST_TEST_DECORATOR(*boost::unit_test::precondition(when_there_is_a_broker))
BOOST_FIXTURE_TEST_CASE(large_arguments_and_results_travel, fixture) {
    const test_host host(at);
    ferry::cluster_pool pool(at);
    std::vector<std::uint8_t> bytes(5000000);
    std::iota(bytes.begin(), bytes.end(), std::uint8_t(0));
    const auto f = pool.submit(
        [](std::vector<std::uint8_t> b) {
            for (auto& x : b)
                x = static_cast<std::uint8_t>(x + 1);
            return b;
        },
        bytes);
    BOOST_TEST_REQUIRE(ends(f));
    for (auto& x : bytes)
        x = static_cast<std::uint8_t>(x + 1);
    BOOST_TEST((f.result() == bytes));
}

BOOST_TEST_DECORATOR(*boost::unit_test::precondition(when_there_is_a_broker))
BOOST_FIXTURE_TEST_CASE(what_is_too_large_is_refused_with_advice, fixture) {
    at.max_message = 100000;
    const test_host host(at);
    ferry::cluster_pool pool(at);
    const auto advises = [](const std::exception& e) {
        return std::string_view(e.what()).find("pass a reference") != std::string_view::npos ||
               std::string_view(e.what()).find("return a reference") != std::string_view::npos;
    };
    BOOST_CHECK_EXCEPTION(
        pool.submit([](const std::string& s) { return s.size(); }, std::string(100001, 'x')),
        std::invalid_argument, advises);
    BOOST_TEST(pool.submit([](const std::string& s) { return s.size(); }, std::string(90000, 'x'))
                   .result() == 90000);
    const auto f = pool.submit([] { return std::string(100001, 'x'); });
    BOOST_CHECK_EXCEPTION(f.result(), std::length_error, advises);
}

BOOST_TEST_DECORATOR(*boost::unit_test::precondition(when_there_is_a_broker))
BOOST_FIXTURE_TEST_CASE(coroutines_and_handlers_get_results, fixture) {
    const test_host host(at);
    ferry::cluster_pool pool(at);
    ferry::run([&]() -> asio::awaitable<void> {
        BOOST_TEST(co_await ferry::run_in_executor(pool, twice, 4) == 8);
        ferry::task_options o{.label = "named"};
        BOOST_TEST(co_await ferry::run_in_executor(pool, o, twice, 5) == 10);
        auto fn = [] { return 6; };
        BOOST_TEST(co_await ferry::async_invoke(pool, fn, asio::use_awaitable) == 6);
    }());
}

BOOST_TEST_DECORATOR(*boost::unit_test::precondition(when_there_is_a_broker))
BOOST_FIXTURE_TEST_CASE(a_function_that_nobody_allowed_is_refused, fixture) {
    ferry::cluster_pool pool(at);
    BOOST_CHECK_EXCEPTION(
        pool.submit(not_allowed, 1), std::invalid_argument, [](const std::invalid_argument& e) {
            return std::string_view(e.what()).find("allow_remote") != std::string_view::npos;
        });
}

BOOST_TEST_DECORATOR(*boost::unit_test::precondition(when_there_is_a_broker))
BOOST_FIXTURE_TEST_CASE(tasks_wait_for_a_host_and_can_be_cancelled, fixture) {
    ferry::cluster_pool pool(at);
    auto first = pool.submit(twice, 1);
    auto second = pool.submit(twice, 2);
    BOOST_TEST(!first.running());
    BOOST_TEST(pool.stats().queued == 2);
    BOOST_TEST(second.cancel());
    BOOST_TEST(second.cancelled());
    const test_host host(at);
    BOOST_TEST_REQUIRE(ends(first));
    BOOST_TEST(first.result() == 2);
    BOOST_TEST(pool.stats().cancelled == 1);
}

BOOST_TEST_DECORATOR(*boost::unit_test::precondition(when_there_is_a_broker))
BOOST_FIXTURE_TEST_CASE(a_task_runs_once_a_host_has_reported_it, fixture) {
    const test_host host(at);
    ferry::cluster_pool pool(at);
    auto f = pool.submit(waits_for_stop);
    BOOST_TEST_REQUIRE(eventually([&] { return f.running(); }));
    BOOST_TEST(!f.cancel());
    BOOST_TEST(pool.stats().running == 1);
    BOOST_TEST(f.request_stop());
    BOOST_TEST(f.result() == 7);
}

BOOST_TEST_DECORATOR(*boost::unit_test::precondition(when_there_is_a_broker))
BOOST_FIXTURE_TEST_CASE(a_timeout_ends_the_worker, fixture) {
    const test_host host(at, 1);
    ferry::cluster_pool pool(at);
    const auto f = pool.submit({.label = "slow", .timeout = 100ms}, sleeping, 100000);
    BOOST_CHECK_THROW(f.result(), ferry::timeout_error);
    BOOST_TEST(pool.submit(twice, 3).result() == 6);
}

BOOST_TEST_DECORATOR(*boost::unit_test::precondition(when_there_is_a_broker))
BOOST_FIXTURE_TEST_CASE(a_run_that_is_longer_than_a_host_allows_names_the_setting, fixture) {
    const test_host host(at, 1, {"FERRY_TEST_MAX_RUN=100"});
    ferry::cluster_pool pool(at);
    const auto f = pool.submit({.label = "slow"}, sleeping, 100000);
    BOOST_CHECK_EXCEPTION(f.result(), ferry::timeout_error, [](const ferry::timeout_error& e) {
        return std::string_view(e.what()).find("max_run") != std::string_view::npos;
    });
}

BOOST_TEST_DECORATOR(*boost::unit_test::precondition(when_there_is_a_broker))
BOOST_FIXTURE_TEST_CASE(the_queue_of_a_pool_is_bounded, fixture) {
    at.max_queue = 2;
    at.when_full = ferry::when_full::reject;
    ferry::cluster_pool pool(at);
    const auto first = pool.submit(twice, 1);
    const auto second = pool.submit(twice, 2);
    BOOST_CHECK_EXCEPTION(pool.submit({.label = "third"}, twice, 3), ferry::queue_full_error,
                          [](const ferry::queue_full_error& e) {
                              const std::string_view text = e.what();
                              return e.queued() == 2 && text.find("'third'") != text.npos &&
                                     text.find("max_queue is 2") != text.npos;
                          });
    first.cancel();
    auto third = pool.submit(twice, 3);
    const test_host host(at);
    BOOST_TEST(third.result() == 6);
    BOOST_TEST(second.result() == 4);
}

BOOST_TEST_DECORATOR(*boost::unit_test::precondition(when_there_is_a_broker))
BOOST_FIXTURE_TEST_CASE(a_full_queue_makes_threads_and_coroutines_wait, fixture) {
    at.max_queue = 1;
    ferry::cluster_pool pool(at);
    auto first = pool.submit(twice, 1);
    ferry::future<int> second;
    std::thread blocked([&] { second = pool.submit(twice, 2); });
    auto third = ferry::run_coroutine_threadsafe(
        asio::system_executor(), [](ferry::cluster_pool& p) -> asio::awaitable<int> {
            co_return co_await ferry::run_in_executor(p, twice, 3);
        }(pool));
    const test_host host(at);
    BOOST_TEST(first.result() == 2);
    blocked.join();
    BOOST_TEST(second.result() == 4);
    BOOST_TEST(third.result() == 6);
}

BOOST_TEST_DECORATOR(*boost::unit_test::precondition(when_there_is_a_broker))
BOOST_FIXTURE_TEST_CASE(the_limit_of_the_broker_refuses_what_is_too_much, fixture) {
    at.broker_queue_limit = 1;
    ferry::cluster_pool pool(at);
    std::vector<ferry::future<int>> all;
    for (int i = 0; i != 5; ++i)
        all.push_back(pool.submit(twice, i));
    BOOST_CHECK_THROW(all.back().result(), ferry::queue_full_error);
    for (auto& f : all)
        f.cancel();
}

BOOST_TEST_DECORATOR(*boost::unit_test::precondition(when_there_is_a_broker))
BOOST_FIXTURE_TEST_CASE(without_a_host_start_by_ends_with_no_worker, fixture) {
    ferry::cluster_pool pool(at);
    const auto f = pool.submit({.start_by = std::chrono::steady_clock::now() + 2s}, twice, 1);
    BOOST_CHECK_EXCEPTION(f.result(), ferry::no_worker_error, [](const ferry::no_worker_error& e) {
        return std::string_view(e.what()).find("no host") != std::string_view::npos;
    });
}

BOOST_TEST_DECORATOR(*boost::unit_test::precondition(when_there_is_a_broker))
BOOST_FIXTURE_TEST_CASE(behind_a_long_task_start_by_ends_with_a_timeout, fixture) {
    const test_host host(at, 1);
    ferry::cluster_pool pool(at);
    auto busy = pool.submit(waits_for_stop);
    BOOST_TEST_REQUIRE(eventually([&] { return busy.running(); }));
    const auto f = pool.submit({.start_by = std::chrono::steady_clock::now() + 300ms}, twice, 1);
    BOOST_CHECK_THROW(f.result(), ferry::timeout_error);
    busy.request_stop();
    BOOST_TEST(busy.result() == 7);
}

BOOST_TEST_DECORATOR(*boost::unit_test::precondition(when_there_is_a_broker))
BOOST_FIXTURE_TEST_CASE(a_pool_that_was_shut_down_accepts_nothing, fixture) {
    const test_host host(at);
    ferry::cluster_pool pool(at);
    auto f = pool.submit(twice, 1);
    pool.shutdown();
    BOOST_TEST(f.done());
    BOOST_TEST(f.result() == 2);
    BOOST_CHECK_THROW(pool.submit(twice, 1), ferry::shutdown_error);
    pool.shutdown();
}

BOOST_TEST_DECORATOR(*boost::unit_test::precondition(when_there_is_a_broker))
BOOST_FIXTURE_TEST_CASE(a_shutdown_with_a_deadline_reports, fixture) {
    const test_host host(at, 1);
    ferry::cluster_pool pool(at);
    auto stuck = pool.submit({.label = "stuck"}, sleeping, 100000);
    BOOST_TEST_REQUIRE(eventually([&] { return stuck.running(); }));
    auto waits = pool.submit(twice, 1);
    const auto report = pool.shutdown(50ms);
    BOOST_TEST(report.finished == 0);
    BOOST_TEST(report.dropped == 1);
    BOOST_TEST_REQUIRE(report.stuck.size() == 1);
    BOOST_TEST(report.stuck[0].label == "stuck");
    BOOST_TEST(waits.cancelled());
    BOOST_CHECK_THROW(stuck.result(), ferry::worker_died);
}

BOOST_TEST_DECORATOR(*boost::unit_test::precondition(when_there_is_a_broker))
BOOST_FIXTURE_TEST_CASE(a_wrong_password_breaks_the_pool, fixture) {
    at.password = [] { return std::string("wrong-and-private"); };
    ferry::cluster_pool pool(at);
    const auto f = pool.submit(twice, 1);
    BOOST_CHECK_EXCEPTION(
        f.result(), ferry::broken_cluster_pool, [](const ferry::broken_cluster_pool& e) {
            return std::string_view(e.what()).find("private") == std::string_view::npos;
        });
    BOOST_CHECK_THROW(pool.submit(twice, 1), ferry::broken_cluster_pool);
}

BOOST_TEST_DECORATOR(*boost::unit_test::precondition(when_there_is_a_broker))
BOOST_FIXTURE_TEST_CASE(a_vhost_or_a_queue_of_another_kind_breaks_the_pool, fixture) {
    ferry::cluster_pool pool(at);
    auto first = pool.submit(twice, 1);
    BOOST_TEST_REQUIRE(eventually([&] { // published
        return pool.stats().queued == 1;
    }));
    auto other = at;
    other.url += "nowhere";
    ferry::cluster_pool nowhere(other);
    BOOST_CHECK_THROW(nowhere.submit(twice, 1).result(), ferry::broken_cluster_pool);
    const test_host host(at);
    BOOST_TEST(first.result() == 2); // so the queue is there
    other = at;
    other.broker_queue_limit = 5;
    ferry::cluster_pool different(other);
    BOOST_CHECK_THROW(different.submit(twice, 1).result(), ferry::broken_cluster_pool);
}

BOOST_AUTO_TEST_CASE(an_unreachable_broker_is_named) {
    ferry::cluster_options at;
    at.url = "amqp://127.0.0.1:" + std::to_string(test_broker::free_port());
    at.application = "test";
    at.connect_limit = 300ms;
    ferry::cluster_pool pool(at);
    const auto f = pool.submit(twice, 1);
    BOOST_CHECK_EXCEPTION(f.result(), ferry::no_worker_error, [](const ferry::no_worker_error& e) {
        const std::string_view text = e.what();
        return text.find("127.0.0.1") != text.npos && text.find("300ms") != text.npos;
    });
}

BOOST_AUTO_TEST_CASE(options_that_cannot_be_used_are_refused) {
    const auto refused = [](auto change, std::string_view name) {
        ferry::cluster_options at;
        at.url = "amqp://127.0.0.1";
        at.application = "test";
        change(at);
        BOOST_CHECK_EXCEPTION(ferry::cluster_pool pool(at), std::invalid_argument,
                              [name](const std::invalid_argument& e) {
                                  const std::string_view text = e.what();
                                  return text.find(name) != text.npos &&
                                         text.find("secret") == text.npos;
                              });
        BOOST_CHECK_THROW(ferry::serve_cluster_worker(at), std::invalid_argument);
    };
    refused([](auto& o) { o.url = "amqp://user:secret@broker.example/"; }, "allow_plaintext");
    refused([](auto& o) { o.url = "http://127.0.0.1/"; }, "url");
    refused([](auto& o) { o.url = "amqps://user:secret@:5"; }, "url");
    refused([](auto& o) { o.url = "amqps://user:secret@host:0"; }, "url");
    refused([](auto& o) { o.application = "a b"; }, "application");
    refused([](auto& o) { o.application = ""; }, "application");
    refused([](auto& o) { o.max_message = 0; }, "max_message");
    refused([](auto& o) { o.heartbeat = {}; }, "heartbeat");
    ferry::cluster_options at;
    at.url = "amqp://broker.example";
    at.application = "test";
    at.allow_plaintext = true;
    const ferry::cluster_pool pool(at);
    BOOST_TEST(pool.stats().queued == 0);
}

int main(int argc, char** argv) {
    return run_cluster_tests<twice, sleeping, waits_for_stop>(argc, argv);
}
