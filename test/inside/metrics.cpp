// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include <ferry/metrics.hpp>

#define BOOST_TEST_MODULE metrics
#include <boost/test/unit_test.hpp>

#include "helpers/gate.hpp"
#include "inside/prometheus.hpp"
#include "prometheus_parser.hpp"

#include <ferry/ferry.hpp>

#include <cstdio>
#include <cstdlib>
#include <sstream>

namespace asio = boost::asio;
using namespace std::chrono_literals;

namespace {

std::string text(ferry::metrics_options options = {}) {
    std::ostringstream out;
    ferry::write_metrics(out, options);
    return std::move(out).str();
}
prometheus_page page(ferry::metrics_options options = {}) { return prometheus_page(text(options)); }

int twice(int n) { return 2 * n; }

struct named_callable {
    void operator()() const {}
};

} // namespace

BOOST_AUTO_TEST_CASE(without_anything_there_is_nothing) { BOOST_TEST(text() == ""); }

BOOST_AUTO_TEST_CASE(tasks_count_under_their_labels) {
    ferry::thread_pool pool(1);
    for (int i = 0; i < 3; ++i)
        pool.submit({.label = "load"}, [] {}).wait();
    pool.submit({.label = "save"}, [] { throw 1; }).wait();
    const auto figures = pool.stats_by_label();
    BOOST_REQUIRE(figures.size() == 2);
    BOOST_TEST(figures.at("load").completed == 3);
    BOOST_TEST(figures.at("load").failed == 0);
    BOOST_TEST(figures.at("load").run_time.count() == 3);
    BOOST_TEST(figures.at("load").queue_wait.count() == 3);
    BOOST_TEST(figures.at("load").workers == 0);
    BOOST_TEST(figures.at("save").failed == 1);
}

BOOST_AUTO_TEST_CASE(without_a_label_the_place_the_function_or_the_type_is_it) {
    ferry::thread_pool pool(2);
    pool.submit(twice, 1).wait();
    pool.submit(&twice, 2).wait();
    pool.submit(named_callable()).wait();
    const int line = __LINE__ + 1;
    pool.submit({.priority = 1}, named_callable()).wait();
    const auto figures = pool.stats_by_label();
    BOOST_REQUIRE(figures.size() == 3);
    BOOST_TEST(figures.at("(anonymous namespace)::twice(int)").completed == 2);
    BOOST_TEST(figures.at("(anonymous namespace)::named_callable").completed == 1);
    BOOST_TEST(figures.at(__FILE__ ":" + std::to_string(line)).completed == 1);
}

BOOST_AUTO_TEST_CASE(what_is_queued_runs_or_was_cancelled_is_told) {
    gate started, g;
    ferry::thread_pool pool(1);
    pool.submit({.label = "running"}, [&] {
        started.open();
        g.pass();
    });
    started.pass();
    pool.submit({.label = "queued"}, [] {});
    const auto f = pool.submit({.label = "cancelled"}, [] {});
    const auto function = pool.submit(twice, 1);
    BOOST_TEST(f.cancel());
    BOOST_TEST(function.cancel());
    const auto figures = pool.stats_by_label();
    BOOST_TEST(figures.at("running").running == 1);
    BOOST_TEST(figures.at("queued").queued == 1);
    BOOST_TEST(figures.at("cancelled").cancelled == 1);
    BOOST_TEST(figures.at("cancelled").queued == 0);
    BOOST_TEST(figures.at("(anonymous namespace)::twice(int)").cancelled == 1);
    g.open();
}

BOOST_AUTO_TEST_CASE(tasks_of_a_strand_are_counted_and_measured_like_others) {
    for (const std::size_t max_queue : {std::size_t(0), std::size_t(10)}) {
        gate started, g;
        ferry::thread_pool pool({.max_workers = 2, .name = "strand", .max_queue = max_queue});
        const auto strand = asio::make_strand(pool.get_executor());
        const auto running = ferry::submit({.label = "running"}, strand, [&] {
            started.open();
            g.pass();
        });
        started.pass();
        const auto queued = ferry::submit({.label = "queued"}, strand, [] {});
        const auto cancelled = ferry::submit({.label = "cancelled"}, strand, [] {});
        const auto failed = ferry::submit({.label = "failed"}, strand, [] { throw 1; });
        BOOST_TEST(cancelled.cancel());
        BOOST_TEST(pool.stats().queued == 2);
        auto figures = pool.stats_by_label();
        BOOST_TEST(figures.at("running").running == 1);
        BOOST_TEST(figures.at("queued").queued == 1);
        BOOST_TEST(figures.at("failed").queued == 1);
        const auto found = page();
        BOOST_TEST(found.value("ferry_pool_queued_tasks", {{"pool", "strand"}}) == 2);
        g.open();
        failed.wait();
        const ferry::pool_stats all = pool.stats();
        BOOST_TEST(all.queued == 0);
        BOOST_TEST(all.completed == 2);
        BOOST_TEST(all.failed == 1);
        BOOST_TEST(all.cancelled == 1);
        BOOST_TEST(all.queue_wait.count() == 3);
        BOOST_TEST(all.run_time.count() == 3);
        figures = pool.stats_by_label();
        BOOST_TEST(figures.at("queued").completed == 1);
        BOOST_TEST(figures.at("queued").queued == 0);
        BOOST_TEST(figures.at("cancelled").cancelled == 1);
        BOOST_TEST(figures.at("running").run_time.count() == 1);
    }
}

BOOST_AUTO_TEST_CASE(the_counts_of_workers_that_have_ended_stay) {
    ferry::thread_pool pool({.max_workers = 1, .idle_timeout = 0ms});
    pool.submit({.label = "x"}, [] {}).wait();
    pool.shutdown();
    BOOST_TEST(pool.stats().workers == 0);
    BOOST_TEST(pool.stats_by_label().at("x").completed == 1);
}

BOOST_AUTO_TEST_CASE(the_labels_of_several_workers_are_summed_up) {
    gate g;
    ferry::thread_pool pool(2);
    std::atomic<int> inside{0};
    std::vector<ferry::future<void>> all;
    for (int i = 0; i < 2; ++i)
        all.push_back(pool.submit({.label = "x"}, [&] {
            if (++inside == 2)
                g.open();
            g.pass();
        }));
    ferry::wait(all);
    BOOST_TEST(pool.stats_by_label().at("x").completed == 2);
}

BOOST_AUTO_TEST_CASE(ten_thousand_labels_do_not_hurt) {
    ferry::thread_pool pool(2);
    std::vector<ferry::future<void>> all;
    for (int i = 0; i < 10'000; ++i)
        all.push_back(pool.submit({.label = "label " + std::to_string(i)}, [] {}));
    ferry::wait(all);
    const auto figures = pool.stats_by_label();
    BOOST_TEST(figures.size() <= 1001);
    std::uint64_t sum = 0;
    for (const auto& [label, s] : figures)
        sum += s.completed;
    BOOST_TEST(sum == 10'000);
    BOOST_TEST(figures.contains("other"));
    const auto p = page({.max_labels = 10});
    const auto kept = p.all("ferry_task_completed_total");
    BOOST_TEST(kept.size() == 11);
    double of_all = 0;
    for (const auto& s : kept)
        of_all += s.value;
    BOOST_TEST(of_all == 10'000);
}

BOOST_AUTO_TEST_CASE(the_page_of_a_pool_agrees_with_its_statistics) {
    ferry::thread_pool pool({.max_workers = 3, .name = "disk"});
    for (int i = 0; i < 2000; ++i)
        pool.submit({.label = i % 2 != 0 ? "odd" : "even"}, [] {}).wait();
    const auto p = page();
    const prometheus_page::labels of{{"pool", "disk"}};
    BOOST_TEST(p.value("ferry_pool_max_workers", of) == 3);
    BOOST_TEST(p.value("ferry_pool_completed_tasks_total", of) == 2000);
    BOOST_TEST(p.value("ferry_pool_run_time_seconds_count", of) == 2000);
    BOOST_TEST(p.value("ferry_pool_queue_wait_seconds_count", of) == 2000);
    BOOST_TEST(p.value("ferry_pool_run_time_seconds_sum", of) > 0);
    BOOST_TEST(p.value("ferry_task_run_time_seconds_count", {{"pool", "disk"}, {"label", "odd"}}) ==
               1000);
    BOOST_TEST(p.types.at("ferry_pool_run_time_seconds") == "histogram");
}

// Else a percentile of it would be the longest time that there is a bucket for.
BOOST_AUTO_TEST_CASE(a_label_of_which_nothing_was_measured_has_no_histogram) {
    ferry::detail::all_figures figures;
    auto& pool = figures.pools.emplace_back();
    pool.name = "p";
    pool.by_label["not measured"].completed = 3;
    pool.by_label["measured"].completed = 3;
    pool.by_label["measured"].run_time[20] = 1;
    const prometheus_page found(ferry::detail::prometheus_text(figures, 100));
    BOOST_TEST(
        found.value("ferry_task_completed_total", {{"pool", "p"}, {"label", "not measured"}}) == 3);
    const auto counts = found.all("ferry_task_run_time_seconds_count");
    BOOST_REQUIRE(counts.size() == 1);
    BOOST_TEST(counts[0].of.at("label") == "measured");
    BOOST_TEST(counts[0].value == 3);
}

BOOST_AUTO_TEST_CASE(a_second_pool_of_a_name_gets_a_number) {
    ferry::thread_pool a({.max_workers = 1, .name = "x"}), b({.max_workers = 2, .name = "x"});
    std::optional<ferry::thread_pool> c(
        std::in_place, ferry::thread_pool_options{.max_workers = 3, .name = "x#2"});
    auto p = page();
    BOOST_TEST(p.value("ferry_pool_max_workers", {{"pool", "x"}}) == 1);
    BOOST_TEST(p.value("ferry_pool_max_workers", {{"pool", "x#2"}}) == 2);
    BOOST_TEST(p.value("ferry_pool_max_workers", {{"pool", "x#2#2"}}) == 3);
    c.reset();
    BOOST_TEST(page().all("ferry_pool_max_workers").size() == 2);
}

BOOST_AUTO_TEST_CASE(labels_with_quotes_newlines_and_invalid_bytes_are_written_validly) {
    ferry::thread_pool pool({.max_workers = 1, .name = "a \"b\"\n\xff"});
    const std::string label = "back\\slash \"quoted\"\nline \xc3\xa9 \xc3( \xed\xa0\x80";
    pool.submit({.label = label}, [] {}).wait();
    const auto p = page();
    const auto all = p.all("ferry_task_completed_total");
    BOOST_REQUIRE(all.size() == 1);
    BOOST_TEST(all[0].of.at("pool") == "a \"b\"\n\xef\xbf\xbd");
    BOOST_TEST(
        all[0].of.at("label") ==
        "back\\slash \"quoted\"\nline \xc3\xa9 \xef\xbf\xbd( \xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd");
}

BOOST_AUTO_TEST_CASE(two_labels_that_are_written_alike_are_one) {
    ferry::thread_pool pool(1);
    pool.submit({.label = "\xfe"}, [] {}).wait();
    pool.submit({.label = "\xff"}, [] {}).wait();
    const auto all = page().all("ferry_task_completed_total");
    BOOST_REQUIRE(all.size() == 1);
    BOOST_TEST(all[0].value == 2);
}

BOOST_AUTO_TEST_CASE(circuit_breakers_are_told) {
    ferry::circuit_breaker_registry hosts({.threshold = 1});
    hosts.get("good")->record_success();
    const auto bad = hosts.get("bad \"host\"");
    bad->record_failure();
    BOOST_TEST(!bad->allow());
    const auto p = page();
    const auto of = [](std::string key) {
        return prometheus_page::labels{{"registry", "0"}, {"key", std::move(key)}};
    };
    auto state = of("bad \"host\"");
    BOOST_TEST(p.value("ferry_circuit_breaker_rejections_total", state) == 1);
    BOOST_TEST(p.value("ferry_circuit_breaker_openings_total", state) == 1);
    state["state"] = "open";
    BOOST_TEST(p.value("ferry_circuit_breaker_state", state) == 1);
    state = of("good");
    state["state"] = "closed";
    BOOST_TEST(p.value("ferry_circuit_breaker_state", state) == 1);
    state["state"] = "open";
    BOOST_TEST(p.value("ferry_circuit_breaker_state", state) == 0);
}

BOOST_AUTO_TEST_CASE(watched_loops_are_told) {
    asio::io_context io;
    gate late;
    const ferry::loop_watch w(io, {.limit = 10ms,
                                   .report = [&](const ferry::late_loop&) { late.open(); },
                                   .stack = false,
                                   .name = "main"});
    const auto work = asio::make_work_guard(io);
    io.run_one();
    asio::post(io, [&] { late.pass(); });
    io.run_one();
    io.run_one(); // what the watch had posted
    const auto p = page();
    BOOST_TEST(p.value("ferry_loop_late_total", {{"loop", "main"}}) == 1);
    BOOST_TEST(p.value("ferry_loop_lag_seconds_count", {{"loop", "main"}}) >= 2);
}

BOOST_AUTO_TEST_CASE(promtool_accepts_the_page, *boost::unit_test::precondition([](auto) {
                         return std::system("promtool --version >/dev/null 2>&1") == 0;
                     })) {
    ferry::thread_pool pool({.max_workers = 1, .name = "a \"b\""});
    pool.submit({.label = "x\n"}, [] {}).wait();
    ferry::circuit_breaker_registry hosts;
    hosts.get("host");
    asio::io_context io;
    const ferry::loop_watch w(io);
    std::FILE* const p = ::popen("promtool check metrics 2>&1", "w");
    BOOST_REQUIRE(p != nullptr);
    const std::string s = text();
    std::fwrite(s.data(), 1, s.size(), p);
    BOOST_TEST(::pclose(p) == 0);
}
