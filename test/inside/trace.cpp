// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include <ferry/trace.hpp>

#define BOOST_TEST_MODULE trace
#include <boost/test/unit_test.hpp>

#include "helpers/gate.hpp"
#include "inside/picture.hpp"
#include "inside/recorder.hpp"

#include <ferry/ferry.hpp>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include <unistd.h>

using namespace std::chrono_literals;
using ferry::detail::picture;
using ferry::detail::recording::event;

namespace {

struct folder {
    folder() {
        char name[] = "/tmp/ferry_trace_XXXXXX";
        BOOST_REQUIRE(::mkdtemp(name) != nullptr);
        path = name;
    }
    ~folder() { std::filesystem::remove_all(path); }
    std::filesystem::path path;
};

std::string contents(const std::filesystem::path& path) {
    std::ostringstream text;
    text << std::ifstream(path).rdbuf();
    return std::move(text).str();
}

picture look() {
    return ferry::detail::take_picture(*ferry::detail::recorder::instance().layout(),
                                       ferry::detail::steady_now(), [](auto) { return "f"; });
}

// The kinds of the events of the tasks with that label, in a pool of that name.
std::vector<std::uint32_t> kinds(const std::string& pool, const std::string& label) {
    std::vector<std::uint32_t> found;
    for (const auto& p : look().pools) {
        for (const auto& e : p.events) {
            if (p.name == pool && e.label == label)
                found.push_back(e.kind);
        }
    }
    return found;
}

} // namespace

BOOST_AUTO_TEST_CASE(a_task_leaves_its_events) {
    ferry::thread_pool pool({.max_workers = 1, .name = "events"});
    pool.submit({.label = "good"}, [] {}).wait();
    pool.submit({.label = "bad"}, [] { throw 1; }).wait();
    BOOST_TEST(kinds("events", "good") ==
                   (std::vector<std::uint32_t>{event::submitted, event::started, event::completed}),
               boost::test_tools::per_element());
    BOOST_TEST(kinds("events", "bad") ==
                   (std::vector<std::uint32_t>{event::submitted, event::started, event::failed}),
               boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_task_of_a_strand_leaves_its_events) {
    gate g;
    ferry::thread_pool pool({.max_workers = 1, .name = "strands"});
    const auto strand = boost::asio::make_strand(pool.get_executor());
    ferry::submit({.label = "first"}, strand, [&] { g.pass(); });
    const auto last = ferry::submit({.label = "last"}, strand, [] {});
    const auto cancelled = ferry::submit({.label = "cancelled"}, strand, [] {});
    BOOST_TEST(cancelled.cancel());
    const auto end = ferry::submit(strand, [] {});
    for (const auto& p : look().pools) {
        if (p.name != "strands")
            continue;
        BOOST_TEST(p.queued >= 2u);
        BOOST_TEST(std::ranges::count(p.waiting, "last", &picture::task::label) == 1);
    }
    g.open();
    end.wait();
    BOOST_TEST(kinds("strands", "last") ==
                   (std::vector<std::uint32_t>{event::submitted, event::started, event::completed}),
               boost::test_tools::per_element());
    for (const auto& p : look().pools) {
        if (p.name == "strands") {
            BOOST_TEST(p.queued == 0u);
            BOOST_TEST(p.waiting.size() == 0u);
        }
    }
}

BOOST_AUTO_TEST_CASE(a_coroutine_that_goes_on_is_an_event) {
    ferry::thread_pool pool({.max_workers = 1, .name = "resumed"});
    const auto main = [&]() -> boost::asio::awaitable<void> {
        ferry::task_options o{.label = "call"};
        co_await ferry::run_in_executor(pool, o, [] {});
    };
    ferry::run(main());
    const auto seen = kinds("resumed", "call");
    BOOST_TEST(std::ranges::count(seen, event::resumed) == 1);
}

BOOST_AUTO_TEST_CASE(the_recorder_keeps_the_last_events_of_a_pool) {
    ferry::thread_pool pool({.max_workers = 1, .name = "many"});
    ferry::thread_pool other({.max_workers = 1, .name = "few"});
    other.submit({.label = "once"}, [] {}).wait();
    std::vector<ferry::future<void>> all;
    for (int i = 0; i < 300'000; ++i)
        all.push_back(pool.submit([] {}));
    ferry::wait(all);
    for (const auto& p : look().pools) {
        if (p.name == "many")
            BOOST_TEST(p.events.size() > 1000);
    }
    BOOST_TEST(kinds("few", "once").size() == 3); // is not pushed out by another pool
}

BOOST_AUTO_TEST_CASE(a_pool_that_has_ended_leaves_the_picture) {
    const auto is_there = [] {
        const auto p = look();
        return std::ranges::any_of(p.pools, [](const auto& x) { return x.name == "short-lived"; });
    };
    {
        const ferry::thread_pool pool({.max_workers = 1, .name = "short-lived"});
        BOOST_TEST(is_there());
    }
    BOOST_TEST(!is_there());
}

BOOST_AUTO_TEST_CASE(more_pools_than_records_work_all_the_same) {
    std::vector<std::unique_ptr<ferry::thread_pool>> pools;
    for (int i = 0; i < 100; ++i)
        pools.push_back(std::make_unique<ferry::thread_pool>(1));
    for (const auto& p : pools)
        BOOST_TEST(p->submit([] { return 1; }).result() == 1);
    BOOST_TEST(look().hidden_pools >= 36);
}

BOOST_AUTO_TEST_CASE(a_trace_is_written) {
    const folder f;
    ferry::thread_pool pool(1);
    pool.submit({.label = "traced"}, [] {}).wait();
    ferry::dump_trace(f.path / "t.json");
    BOOST_TEST(contents(f.path / "t.json").find("\"name\":\"traced\",\"cat\":\"run\"") !=
               std::string::npos);
    BOOST_CHECK_THROW(ferry::dump_trace(f.path / "none" / "t.json"), std::system_error);
    BOOST_CHECK_THROW(ferry::dump_trace("/dev/full"), std::system_error);
}

BOOST_AUTO_TEST_CASE(the_report_of_a_shutdown_names_the_trace) {
    const folder f;
    static gate g; // threads that are left behind may still be in it at the end
    const auto stuck_pool = [&](const char* directory) {
        if (directory != nullptr)
            ::setenv("FERRY_TRACE_DIR", directory, 1);
        else
            ::unsetenv("FERRY_TRACE_DIR");
        gate inside;
        ferry::thread_pool pool({.max_workers = 1, .name = "a/b"});
        pool.submit({.label = "stuck"}, [&inside] {
            inside.open();
            g.pass();
        });
        inside.pass();
        return pool.shutdown(0ms);
    };
    const auto report = stuck_pool(f.path.c_str());
    BOOST_REQUIRE(report.stuck.size() == 1);
    BOOST_TEST(std::filesystem::path(report.trace).parent_path() == f.path);
    BOOST_TEST(contents(report.trace).find("stuck") != std::string::npos);
    BOOST_TEST(stuck_pool(nullptr).trace == "");
    BOOST_TEST(stuck_pool("/nonexistent").trace == "");
    ::setenv("FERRY_TRACE_DIR", f.path.c_str(), 1);
    ferry::thread_pool idle(1);
    BOOST_TEST(idle.shutdown(1h).trace == ""); // nothing is stuck
    g.open();
}
