// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
// What is seen inside of a cluster: progress, labels, metrics, and what the program `ferry` reads of
// a pool and of a worker host.
#define BOOST_TEST_MODULE cluster_inside
#define BOOST_TEST_NO_MAIN
#include <boost/test/unit_test.hpp>

#include <ferry/cluster.hpp>
#include <ferry/ferry.hpp>

#include "helpers/cluster_helpers.hpp"
#include "helpers/proc.hpp"
#include "helpers/process_helpers.hpp"
#include "inside/picture.hpp"
#include "inside/picture_text.hpp"
#include "inside/prometheus_parser.hpp"
#include "inside/recorder.hpp"
#include "program/target.hpp"

#include <algorithm>
#include <filesystem>
#include <mutex>
#include <sstream>
#include <string>
#include <vector>

using namespace std::chrono_literals;
namespace utf = boost::unit_test;

namespace {

constexpr auto when_there_is_a_broker = needs_broker();

int reports_and_waits(const std::string& path) {
    ferry::report_progress(0, "the first");
    static_cast<void>(when_touched(path));
    for (int i = 1; i != 100; ++i)
        ferry::report_progress(i / 100.0);
    ferry::report_progress(1, "the last");
    return 100;
}

struct fixture {
    ferry::cluster_options at = own_application();
    marker go;
    ~fixture() { touch(go.path()); }
};

std::string metrics() {
    std::ostringstream out;
    ferry::write_metrics(out);
    return out.str();
}

std::string own_ps() {
    return ferry::detail::ps_text(
        ferry::detail::take_picture(*ferry::detail::recorder::instance().layout(),
                                    ferry::detail::steady_now(), [](auto) { return "f"; }));
}

bool has(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

// A line of the text with all of these.
bool has_line(const std::string& text, const std::vector<std::string>& parts) {
    std::istringstream in(text);
    for (std::string line; std::getline(in, line);) {
        if (std::ranges::all_of(parts, [&](const auto& p) { return has(line, p); }))
            return true;
    }
    return false;
}

} // namespace

BOOST_TEST_DECORATOR(*utf::precondition(when_there_is_a_broker))
BOOST_FIXTURE_TEST_CASE(progress_is_reported_in_order_and_before_the_end, fixture) {
    const test_host host(at, 1);
    ferry::cluster_pool pool(at);
    std::mutex mutex;
    std::vector<ferry::progress> reports;
    ferry::task_options listening{.on_progress = [&](const ferry::progress& p) {
        const std::lock_guard lock(mutex);
        reports.push_back(p);
    }};
    auto f = pool.submit(listening, reports_and_waits, go.path());
    const auto number = [&] {
        const std::lock_guard lock(mutex);
        return reports.size();
    };
    BOOST_TEST_REQUIRE(eventually([&] { return number() == 1; })); // while it runs
    BOOST_TEST(f.running());
    BOOST_TEST(!f.cancel());
    touch(go.path());
    BOOST_TEST(f.result() == 100);
    BOOST_TEST(number() >= 2);
    BOOST_TEST(std::ranges::is_sorted(reports, {}, &ferry::progress::done));
    BOOST_TEST(reports.front().note == "the first");
    BOOST_TEST(reports.back().done == 1);
    BOOST_TEST(reports.back().note == "the last");
    BOOST_TEST(pool.submit(reports_and_waits, go.path()).result() == 100); // nobody listens
}

BOOST_TEST_DECORATOR(*utf::precondition(when_there_is_a_broker))
BOOST_FIXTURE_TEST_CASE(labels_metrics_and_the_recording_tell_of_the_tasks, fixture) {
    at.name = "far";
    const test_host host(at, 1);
    ferry::cluster_pool pool(at);
    BOOST_TEST(pool.submit({.label = "done"}, twice, 2).result() == 4);
    auto runs = pool.submit({.label = "runs"}, when_touched, go.path());
    BOOST_TEST_REQUIRE(eventually([&] { return runs.running(); }));
    auto waits = pool.submit({.label = "waits"}, twice, 3);

    auto labels = pool.stats_by_label();
    BOOST_TEST(labels["done"].completed == 1u);
    BOOST_TEST(labels["runs"].running == 1u);
    BOOST_TEST(labels["waits"].queued == 1u);

    const prometheus_page page(metrics());
    BOOST_TEST(page.value("ferry_pool_running", {{"pool", "far"}}) == 1);
    BOOST_TEST(page.value("ferry_pool_queued_tasks", {{"pool", "far"}}) == 1);
    BOOST_TEST(page.value("ferry_task_completed_total", {{"pool", "far"}, {"label", "done"}}) == 1);

    const std::string here = own_ps();
    BOOST_TEST(has(here, "pool far (cluster): 1 of 1 worker, 1 running, 1 queued"), here);
    BOOST_TEST(has_line(here, {"running", std::to_string(host.pid()), "runs"}), here);
    BOOST_TEST(has_line(here, {"queued", "waits"}), here);

    const std::string there = ferry::detail::ps_text(ferry::detail::target(host.pid()).look());
    BOOST_TEST(has(there, "(processes): 1 of 1 worker, 1 running, 0 queued"), there);
    BOOST_TEST(has_line(there, {"running", "runs"}), there);

    touch(go.path());
    BOOST_TEST(waits.result() == 6);
    runs.wait();
    BOOST_TEST(eventually(
        [&] { return has(own_ps(), "pool far (cluster): 0 of 1 worker, 0 running, 0 queued"); }));
    labels = pool.stats_by_label();
    BOOST_TEST(labels["runs"].completed == 1u);
    BOOST_TEST(labels["runs"].running == 0u);
    BOOST_TEST(labels["waits"].completed == 1u);
}

BOOST_TEST_DECORATOR(*utf::precondition(when_there_is_a_broker))
BOOST_FIXTURE_TEST_CASE(a_task_without_a_host_is_shown_as_queued, fixture) {
    at.name = "alone";
    ferry::cluster_pool pool(at);
    auto f = pool.submit({.label = "lonely"}, twice, 1);
    const std::string text = own_ps();
    BOOST_TEST(has(text, "pool alone (cluster): 0 of 0 workers, 0 running, 1 queued"), text);
    BOOST_TEST(has_line(text, {"queued", "lonely"}), text);
    BOOST_TEST(pool.stats().queued == 1u);
    BOOST_TEST(f.cancel());
    BOOST_TEST(pool.stats_by_label()["lonely"].cancelled == 1u);
    BOOST_TEST(has(own_ps(), "pool alone (cluster): 0 of 0 workers, 0 running, 0 queued"));
}

int main(int argc, char** argv) {
    return run_cluster_tests<twice, when_touched, reports_and_waits>(argc, argv);
}
