// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include <ferry/ferry.hpp>

#include "helpers/gate.hpp"

#define BOOST_TEST_MODULE progress
#include <boost/test/unit_test.hpp>

#include <boost/asio/io_context.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

using namespace std::chrono_literals;
using ferry::detail::progress_gate;
using ferry::detail::progress_sink;

namespace {

// What was delivered, and by which thread.
class listener {
public:
    std::function<void(ferry::progress)> function() {
        return [this](const ferry::progress& p) {
            const std::lock_guard lock(mutex_);
            all_.push_back(p);
            threads_.push_back(std::this_thread::get_id());
        };
    }
    std::vector<double> values() const {
        const std::lock_guard lock(mutex_);
        std::vector<double> v;
        for (const auto& p : all_)
            v.push_back(p.done);
        return v;
    }
    std::string last_note() const {
        const std::lock_guard lock(mutex_);
        return all_.empty() ? "" : all_.back().note;
    }
    std::vector<std::thread::id> threads() const {
        const std::lock_guard lock(mutex_);
        return threads_;
    }

private:
    mutable std::mutex mutex_;
    std::vector<ferry::progress> all_;
    std::vector<std::thread::id> threads_;
};

using list = std::vector<double>;

} // namespace

BOOST_AUTO_TEST_CASE(the_gate_opens_once_in_a_period) {
    progress_gate gate;
    const progress_gate::clock::time_point start{};
    BOOST_TEST(gate.opens(start));
    BOOST_TEST(!gate.opens(start));
    BOOST_TEST(!gate.opens(start + 19ms));
    BOOST_TEST(gate.opens(start + 20ms));
    BOOST_TEST(!gate.opens(start + 39ms));
    BOOST_TEST(gate.opens(start + 1h));
}

BOOST_AUTO_TEST_CASE(a_sink_keeps_the_latest_of_what_it_does_not_deliver) {
    listener l;
    progress_sink sink(l.function());
    sink.keep(1, "one");
    sink.keep(2, "two");
    BOOST_TEST(l.values().empty());
    sink.flush();
    BOOST_TEST(l.values() == list{2});
    sink.flush();
    sink.keep(3, "three");
    sink.close(); // which does not wait until the gate opens again
    BOOST_TEST(l.values() == (list{2, 3}));
    sink.report(4, "too late");
    sink.keep(5, "too late");
    sink.close();
    BOOST_TEST(l.values() == (list{2, 3}));
}

BOOST_AUTO_TEST_CASE(
    the_first_report_is_delivered_inside_the_call_and_the_last_before_the_future_is_done) {
    ferry::thread_pool pool(1);
    listener l;
    std::thread::id worker;
    list inside;
    ferry::task_options options{.on_progress = l.function()};
    auto f = pool.submit(options, [&] {
        worker = std::this_thread::get_id();
        ferry::report_progress(0.5, "half");
        inside = l.values();
        for (int i = 0; i != 1000; ++i)
            ferry::report_progress(1 + i, "more");
        ferry::report_progress(2000, "the last");
    });
    std::vector<double> at_end;
    std::string note_at_end;
    f.add_done_callback([&](const auto&) {
        at_end = l.values();
        note_at_end = l.last_note();
    });
    f.result();
    pool.shutdown();
    BOOST_TEST(inside == list{0.5});
    BOOST_REQUIRE(!at_end.empty());
    BOOST_TEST(at_end.back() == 2000);
    BOOST_TEST(note_at_end == "the last");
    for (const auto& thread : l.threads())
        BOOST_TEST((thread == worker));
}

BOOST_AUTO_TEST_CASE(reports_are_at_least_a_period_apart) {
    ferry::thread_pool pool(1);
    std::vector<progress_gate::clock::time_point> times;
    const auto start = progress_gate::clock::now();
    ferry::task_options options{.on_progress = [&](const ferry::progress&) {
        times.push_back(progress_gate::clock::now());
    }};
    pool.submit(options,
                [] {
                    const auto until = progress_gate::clock::now() + 100ms;
                    for (double n = 0; progress_gate::clock::now() < until; ++n)
                        ferry::report_progress(n);
                })
        .result();
    const auto periods = (progress_gate::clock::now() - start) / ferry::detail::progress_period;
    BOOST_TEST(times.size() >= 2u);
    BOOST_TEST(times.size() <= static_cast<std::size_t>(periods) + 2); // and the last one
}

BOOST_AUTO_TEST_CASE(a_failing_task_delivers_its_last_report_too) {
    ferry::thread_pool pool(1);
    listener l;
    ferry::task_options options{.on_progress = l.function()};
    auto f = pool.submit(options, [] {
        ferry::report_progress(1);
        ferry::report_progress(2);
        throw std::runtime_error("no more");
    });
    BOOST_CHECK_THROW(f.result(), std::runtime_error);
    BOOST_TEST(l.values() == (list{1, 2}));
}

BOOST_AUTO_TEST_CASE(a_task_that_runs_too_long_delivers_its_last_report_before_it_has_failed) {
    gate end;
    ferry::thread_pool pool(1);
    listener l;
    ferry::task_options options{.timeout = 100ms, .on_progress = l.function()};
    std::vector<double> at_end;
    auto f = pool.submit(options, [&] {
        ferry::report_progress(1);
        ferry::report_progress(2);
        end.pass();
        ferry::report_progress(3); // nobody waits for it any more
    });
    f.add_done_callback([&](const auto&) { at_end = l.values(); });
    BOOST_CHECK_THROW(f.result(), ferry::timeout_error);
    end.open();
    pool.shutdown();
    // The timer may be faster than the task, but never pass a report that was kept.
    const auto has = [](const list& v, double x) {
        return std::find(v.begin(), v.end(), x) != v.end();
    };
    BOOST_TEST(has(at_end, 2) == has(l.values(), 2));
    BOOST_TEST(!has(l.values(), 3));
}

BOOST_AUTO_TEST_CASE(what_the_function_throws_goes_to_the_hook_and_the_task_goes_on) {
    std::atomic<int> caught{0};
    const auto before = ferry::set_unhandled_callback([&](const std::exception_ptr&) { ++caught; });
    {
        ferry::thread_pool pool(1);
        ferry::task_options options{
            .on_progress = [](const ferry::progress&) { throw std::runtime_error("no screen"); }};
        BOOST_TEST(pool.submit(options,
                               [] {
                                   ferry::report_progress(1);
                                   ferry::report_progress(2);
                                   return 5;
                               })
                       .result() == 5);
    }
    ferry::set_unhandled_callback(before);
    BOOST_TEST(caught.load() == 2);
}

BOOST_AUTO_TEST_CASE(a_report_without_a_listener_does_nothing) {
    ferry::report_progress(1, "outside of tasks");
    ferry::thread_pool pool(1);
    ferry::task_options options{.label = "deaf"};
    BOOST_TEST(pool.submit([] {
                       ferry::report_progress(1);
                       return 1;
                   })
                   .result() == 1);
    BOOST_TEST(pool.submit(options,
                           [] {
                               ferry::report_progress(1);
                               return 2;
                           })
                   .result() == 2);
}

BOOST_AUTO_TEST_CASE(a_function_that_reports_itself_does_not_recurse) {
    ferry::thread_pool pool(1);
    std::vector<double> all;
    ferry::task_options options{.on_progress = [&](const ferry::progress& p) {
        all.push_back(p.done);
        ferry::report_progress(p.done + 1);
    }};
    pool.submit(options, [] { ferry::report_progress(1); }).result();
    BOOST_TEST(all == (list{1, 2}));
}

BOOST_AUTO_TEST_CASE(a_helped_task_reports_to_its_own_listener) {
    ferry::thread_pool pool(1);
    listener outer;
    listener inner;
    ferry::task_options for_outer{.on_progress = outer.function()};
    pool.submit(for_outer,
                [&] {
                    ferry::task_options for_inner{.on_progress = inner.function()};
                    pool.submit(for_inner, [] { ferry::report_progress(10); }).result();
                    pool.submit([] { ferry::report_progress(20); }).result(); // nobody listens
                    ferry::report_progress(30);
                })
        .result();
    BOOST_TEST(inner.values() == list{10});
    BOOST_TEST(outer.values() == list{30});
}

BOOST_AUTO_TEST_CASE(other_executors_and_coroutines_report_likewise) {
    listener l;
    boost::asio::io_context context;
    ferry::task_options options{.on_progress = l.function()};
    auto f = ferry::submit(options, context, [] { ferry::report_progress(1); });
    context.run();
    f.result();
    BOOST_TEST(l.values() == list{1});
    ferry::thread_pool pool(1);
    ferry::run([](ferry::thread_pool& p, ferry::task_options o) -> boost::asio::awaitable<void> {
        co_await ferry::run_in_executor(p, o, [] { ferry::report_progress(2); });
        co_await ferry::to_thread(o, [] { ferry::report_progress(3); });
    }(pool, options));
    BOOST_TEST(l.values() == (list{1, 2, 3}));
}
