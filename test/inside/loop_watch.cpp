// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include <ferry/loop_watch.hpp>

#define BOOST_TEST_MODULE loop_watch
#include <boost/test/unit_test.hpp>

#include "helpers/gate.hpp"
#include "helpers/sanitized.hpp"

#include <ferry/ferry.hpp>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>

#include <atomic>
#include <mutex>
#include <set>
#include <sstream>

#include <csignal>
#include <unistd.h>

namespace asio = boost::asio;
using namespace std::chrono_literals;

namespace {

// Where reports arrive.
struct reports {
    void operator()(const ferry::late_loop& r) {
        {
            const std::lock_guard lock(mutex);
            all.push_back(r);
        }
        if (++count >= wanted)
            enough.open();
    }
    auto sink() {
        return [this](const ferry::late_loop& r) { (*this)(r); };
    }
    bool names(const std::string& symbol) const {
        for (const auto& f : all.front().stack) {
            if (f.symbol.find(symbol) != std::string::npos)
                return true;
        }
        return false;
    }

    std::vector<ferry::late_loop> all;
    std::atomic<int> count{0};
    int wanted = 1;
    gate enough;
    std::mutex mutex;
};

bool has(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

// Runs a function of the watch, which then knows the thread.
void meet(asio::io_context& io) {
    const auto work = asio::make_work_guard(io);
    BOOST_REQUIRE(io.run_one() == 1);
}

[[gnu::noinline]] void sleep_in_handler(const reports& r) {
    while (r.count == 0)
        std::this_thread::sleep_for(1ms);
    asm volatile("");
}

std::atomic<unsigned> turns{0};

[[gnu::noinline]] void spin_in_handler(const reports& r) {
    while (r.count == 0)
        turns.fetch_add(1, std::memory_order_relaxed);
    asm volatile("");
}

} // namespace

BOOST_AUTO_TEST_CASE(a_handler_that_sleeps_is_found) {
    asio::io_context io;
    reports r;
    const ferry::loop_watch w(io, {.limit = 20ms, .report = r.sink()});
    meet(io);
    asio::post(io, [&] { sleep_in_handler(r); });
    io.restart();
    io.run();
    BOOST_REQUIRE(r.all.size() == 1);
    const auto& late = r.all.front();
    BOOST_TEST((late.thread == std::this_thread::get_id()));
    BOOST_TEST((late.for_how_long >= 20ms));
    if (!FERRY_SANITIZED) { // which handle signals in their own time
        BOOST_TEST(r.names("sleep_in_handler"));
        BOOST_TEST(has(late.advice, "timer"), late.advice);
    }
}

BOOST_AUTO_TEST_CASE(a_handler_that_computes_is_found) {
    asio::io_context io;
    reports r;
    const ferry::loop_watch w(io, {.limit = 20ms, .report = r.sink()});
    meet(io);
    asio::post(io, [&] { spin_in_handler(r); });
    io.restart();
    io.run();
    BOOST_REQUIRE(r.all.size() == 1);
    if (!FERRY_SANITIZED) {
        BOOST_TEST(r.names("spin_in_handler"));
        BOOST_TEST(has(r.all.front().advice, "computes"), r.all.front().advice);
    }
}

BOOST_AUTO_TEST_CASE(a_handler_that_waits_for_a_result_is_found_with_the_label) {
    asio::io_context io;
    ferry::thread_pool pool(1);
    reports r;
    const ferry::loop_watch w(io, {.limit = 20ms, .report = r.sink()});
    meet(io);
    asio::post(io, [&] {
        pool.submit({.label = "load the \"users\""}, [&] { r.enough.pass(); }).result();
    });
    io.restart();
    io.run();
    BOOST_REQUIRE(r.all.size() == 1);
    if (!FERRY_SANITIZED) {
        BOOST_TEST(r.all.front().label == "load the \"users\"");
        BOOST_TEST(has(r.all.front().advice, "co_await"), r.all.front().advice);
    }
}

BOOST_AUTO_TEST_CASE(the_label_of_the_task_that_blocks_the_loop_is_told) {
    asio::io_context io;
    reports r;
    const ferry::loop_watch w(io, {.limit = 20ms, .report = r.sink()});
    meet(io);
    const auto f = ferry::submit({.label = "rebuild"}, io, [&] { r.enough.pass(); });
    io.restart();
    io.run();
    BOOST_TEST(f.done());
    BOOST_REQUIRE(r.all.size() == 1);
    if (!FERRY_SANITIZED)
        BOOST_TEST(r.all.front().label == "rebuild");
}

BOOST_AUTO_TEST_CASE(without_the_signal_there_is_no_stack) {
    asio::io_context io;
    reports r;
    const ferry::loop_watch w(io, {.limit = 20ms, .report = r.sink(), .stack = false});
    meet(io);
    asio::post(io, [&] { r.enough.pass(); });
    io.restart();
    io.run();
    BOOST_REQUIRE(r.all.size() == 1);
    BOOST_TEST(r.all.front().stack.empty());
    BOOST_TEST(!r.all.front().advice.empty());
}

BOOST_AUTO_TEST_CASE(an_idle_loop_is_not_late) {
    asio::io_context io;
    reports r;
    const ferry::loop_watch w(io, {.limit = 10ms, .report = r.sink()});
    const auto work = asio::make_work_guard(io);
    for (int i = 0; i < 20; ++i)
        io.run_one(); // until the watch has posted again
    BOOST_TEST(r.count == 0);
}

BOOST_AUTO_TEST_CASE(a_loop_that_nobody_runs_is_not_late) {
    asio::io_context io, other;
    reports r, seen;
    const ferry::loop_watch w(io, {.limit = 10ms, .report = r.sink()});
    meet(io);
    // The thread that ran it blocks outside of it, or inside of another one, for as long as another
    // watch takes to find that.
    const ferry::loop_watch w2(other, {.limit = 200ms, .report = seen.sink()});
    meet(other);
    asio::post(other, [&] { seen.enough.pass(); });
    other.restart();
    other.run();
    BOOST_TEST(seen.count == 1);
    BOOST_TEST(r.count == 0);
}

BOOST_AUTO_TEST_CASE(a_loop_that_was_stopped_is_not_late) {
    asio::io_context io, other;
    reports r, seen;
    const ferry::loop_watch w(io, {.limit = 10ms, .report = r.sink()});
    const ferry::loop_watch w2(other, {.limit = 200ms, .report = seen.sink()});
    meet(io);
    meet(other);
    asio::post(io, [&] {
        io.stop();
        asio::post(other, [&] { seen.enough.pass(); });
        other.restart();
        other.run();
    });
    io.restart();
    io.run();
    BOOST_TEST(seen.count == 1);
    BOOST_TEST(r.count == 0);
}

BOOST_AUTO_TEST_CASE(a_loop_of_several_threads_is_late_when_all_of_them_are_blocked) {
    asio::io_context io;
    reports r;
    r.wanted = 2;
    const ferry::loop_watch w(io, {.limit = 20ms, .report = r.sink()});
    auto work = asio::make_work_guard(io);
    // Each of them runs a function of the watch first.
    gate both_met;
    std::atomic<int> met{0};
    const auto run = [&] {
        io.run_one();
        if (++met == 2)
            both_met.open();
        both_met.pass();
        io.run();
    };
    std::thread other(run);
    std::thread third(run);
    both_met.pass();
    for (int i = 0; i < 2; ++i)
        asio::post(io, [&] { r.enough.pass(); });
    r.enough.pass();
    const std::set<std::thread::id> threads{other.get_id(), third.get_id()};
    work.reset();
    other.join();
    third.join();
    BOOST_REQUIRE(r.all.size() == 2);
    BOOST_TEST((std::set<std::thread::id>{r.all[0].thread, r.all[1].thread} == threads));
}

BOOST_AUTO_TEST_CASE(several_loops_are_watched_at_once) {
    asio::io_context one, two;
    reports first, second;
    const ferry::loop_watch w1(one, {.limit = 20ms, .report = first.sink()});
    const ferry::loop_watch w2(two, {.limit = 20ms, .report = second.sink()});
    meet(one);
    std::thread other([&] {
        meet(two);
        asio::post(two, [&] { second.enough.pass(); });
        two.restart();
        two.run();
    });
    asio::post(one, [&] { first.enough.pass(); });
    one.restart();
    one.run();
    const auto id = other.get_id();
    other.join();
    BOOST_REQUIRE(first.all.size() == 1);
    BOOST_REQUIRE(second.all.size() == 1);
    BOOST_TEST((first.all[0].thread == std::this_thread::get_id()));
    BOOST_TEST((second.all[0].thread == id));
}

BOOST_AUTO_TEST_CASE(the_watch_may_outlive_the_context) {
    reports r;
    std::optional<asio::io_context> io(std::in_place);
    const ferry::loop_watch w(*io, {.limit = 2ms, .report = r.sink()});
    io.reset();
    BOOST_TEST(r.count == 0);
}

BOOST_AUTO_TEST_CASE(the_watch_may_end_inside_its_report) {
    asio::io_context io;
    std::optional<ferry::loop_watch> w;
    gate ended;
    w.emplace(io, ferry::loop_watch_options{.limit = 20ms, .report = [&](const ferry::late_loop&) {
                                                w.reset();
                                                ended.open();
                                            }});
    meet(io);
    asio::post(io, [&] { ended.pass(); });
    io.restart();
    io.run();
    BOOST_TEST(!w);
}

BOOST_AUTO_TEST_CASE(what_the_report_throws_goes_to_the_hook) {
    gate told;
    const auto old = ferry::set_unhandled_callback([&](std::exception_ptr) { told.open(); });
    {
        asio::io_context io;
        const ferry::loop_watch w(io, {.limit = 20ms, .report = [](const ferry::late_loop&) {
                                           throw std::runtime_error("x");
                                       }});
        meet(io);
        asio::post(io, [&] { told.pass(); });
        io.restart();
        io.run();
    }
    ferry::set_unhandled_callback(old);
    BOOST_TEST(true); // it came
}

BOOST_AUTO_TEST_CASE(a_limit_that_is_none_is_refused) {
    asio::io_context io;
    BOOST_CHECK_THROW(ferry::loop_watch(io, {.limit = 0ms}), std::invalid_argument);
    BOOST_CHECK_THROW(ferry::loop_watch(io, {.limit = ferry::timeout()}), std::invalid_argument);
}

BOOST_AUTO_TEST_CASE(a_report_is_readable) {
    ferry::late_loop late;
    late.for_how_long = 120ms;
    late.label = "load";
    late.advice = "do it elsewhere";
    late.stack = {{"/bin/x", "f()", 1}};
    std::ostringstream text;
    text << late;
    BOOST_TEST(has(text.str(), "for more than 120 ms, at the task 'load'"));
    BOOST_TEST(has(text.str(), "\n  do it elsewhere\n  #0 f() at /bin/x+0x1\n"));
}
