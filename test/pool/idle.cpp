// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
// A worker that runs user code, of whatever kind, is not idle.
#include <ferry/thread_pool.hpp>

#include "helpers/gate.hpp"

#define BOOST_TEST_MODULE idle
#include <boost/test/unit_test.hpp>

#include <atomic>
#include <functional>
#include <latch>
#include <memory>
#include <optional>
#include <stdexcept>
#include <thread>
#include <utility>
#include <vector>

using namespace ferry;
using namespace std::chrono_literals;

namespace {

// Calls a function when it is destroyed, but for those that were moved from.
class last_word {
public:
    explicit last_word(std::function<void()> f) : f_(std::move(f)) {}
    last_word(last_word&& o) noexcept : f_(std::exchange(o.f_, nullptr)) {}
    last_word& operator=(last_word&&) = delete;
    ~last_word() {
        if (f_)
            f_();
    }

private:
    std::function<void()> f_;
};

} // namespace

BOOST_AUTO_TEST_CASE(a_worker_that_destroys_a_result_that_nobody_holds_is_busy) {
    for (const bool fails : {false, true}) {
        const auto go = std::make_shared<gate>(); // for a thread that is left behind
        gate inside, abandoned;
        thread_pool pool(2);
        struct slow_error : std::runtime_error {
            explicit slow_error(std::function<void()> f)
                : runtime_error("slow"), last(std::make_shared<last_word>(std::move(f))) {}
            std::shared_ptr<last_word> last;
        };
        (void)pool.submit({.label = "maker"}, [&] {
            std::function<void()> wait = [&inside, go] {
                inside.open();
                go->pass();
            };
            abandoned.pass();
            if (fails)
                throw slow_error(std::move(wait));
            return last_word(std::move(wait));
        });
        abandoned.open(); // now that nobody holds the future
        inside.pass();
        BOOST_TEST(pool.stats().running == 1u);
        BOOST_TEST(pool.stats().idle == 0u);
        BOOST_TEST(pool.submit([] { return 1; }).result() == 1); // a second worker starts
        const auto report = pool.shutdown(1ms);
        BOOST_REQUIRE(report.stuck.size() == 1u);
        BOOST_TEST(report.stuck[0].label == "the destructor of the outcome of 'maker'");
        go->open();
    }
}

BOOST_AUTO_TEST_CASE(the_destructor_of_a_result_may_wait_for_its_pool) {
    gate done;
    thread_pool pool(2);
    for (int i = 0; i < 100; ++i) {
        std::latch ended(1);
        auto f = pool.submit([&] {
            return last_word([&] {
                pool.submit([] {}).wait();
                ended.count_down();
            });
        });
        if (i % 2 == 0)
            f = {}; // at about the time when the task ends
        else
            std::move(f).result();
        ended.wait();
    }
}

BOOST_AUTO_TEST_CASE(a_callback_that_blocks_its_worker_is_named_and_counted) {
    const auto go = std::make_shared<gate>();
    gate inside, start;
    thread_pool pool(2);
    auto f = pool.submit({.label = "with a callback"}, [&] { start.pass(); });
    f.add_done_callback([&inside, go](auto) {
        inside.open();
        go->pass();
    });
    start.open();
    inside.pass();
    BOOST_TEST(f.done());
    BOOST_TEST(pool.stats().running == 1u);
    BOOST_TEST(pool.submit([] { return 1; }).result() == 1);
    const auto report = pool.shutdown(1ms);
    BOOST_REQUIRE(report.stuck.size() == 1u);
    BOOST_TEST(report.stuck[0].label == "with a callback");
    go->open();
}

BOOST_AUTO_TEST_CASE(a_task_does_not_wait_for_the_finalizer_of_the_only_worker) {
    const auto go = std::make_shared<gate>();
    const auto finalizers = std::make_shared<std::atomic<int>>(0);
    gate inside;
    thread_pool pool(thread_pool_options{.max_workers = 1,
                                         .finalizer =
                                             [&inside, go, finalizers] {
                                                 if ((*finalizers)++ == 0) {
                                                     inside.open();
                                                     go->pass();
                                                 }
                                             },
                                         .idle_timeout = 1ms});
    pool.submit([] {}).result();
    inside.pass();
    BOOST_TEST(pool.submit([] { return 1; }).result() == 1);
    const auto report = pool.shutdown(1ms);
    BOOST_REQUIRE(report.stuck.size() == 1u);
    BOOST_TEST(report.stuck[0].label == "the finalizer");
    go->open();
}

BOOST_AUTO_TEST_CASE(a_shutdown_does_not_wait_for_a_finalizer_that_begins_after_its_deadline) {
    const auto go = std::make_shared<gate>();
    thread_pool pool(thread_pool_options{.max_workers = 1, .finalizer = [go] { go->pass(); }});
    pool.submit([] {}).result();
    const auto report = pool.shutdown(0s);
    BOOST_REQUIRE(report.stuck.size() == 1u);
    BOOST_TEST(report.stuck[0].label == "the finalizer");
    BOOST_TEST(report.stuck[0].age < 60s);
    go->open();
}

BOOST_AUTO_TEST_CASE(a_shutdown_without_time_waits_for_a_brief_finalizer) {
    const auto finalized = std::make_shared<std::atomic<int>>(0);
    thread_pool pool(
        thread_pool_options{.max_workers = 1, .finalizer = [finalized] { ++*finalized; }});
    pool.submit([] {}).result();
    const auto report = pool.shutdown(0s);
    if (report.stuck.empty()) // else the machine is so busy that it takes longer than that
        BOOST_TEST(finalized->load() == 1);
}

// The worker may be anywhere between its call and the destructor of what that returned.
BOOST_AUTO_TEST_CASE(a_shutdown_does_not_wait_for_the_destructor_of_an_outcome) {
    struct blocks {
        std::shared_ptr<gate> go;
        explicit blocks(std::shared_ptr<gate> g) : go(std::move(g)) {}
        blocks(blocks&&) = default;
        ~blocks() {
            if (go != nullptr)
                go->pass();
        }
    };
    for (int round = 0; round < 2000; ++round) {
        const auto go = std::make_shared<gate>();
        thread_pool pool(1);
        const auto started = std::make_shared<std::latch>(3);
        auto f = pool.submit([started, go] {
            started->arrive_and_wait();
            return blocks(go);
        });
        std::thread other([&f, started, round] { // which may destroy the outcome as well
            started->arrive_and_wait();
            for (int i = 0; i < round % 100; ++i)
                static_cast<void>(f.running());
            f = {};
        });
        started->arrive_and_wait();
        pool.shutdown(0s);
        go->open();
        other.join();
    }
}

BOOST_AUTO_TEST_CASE(a_thread_left_behind_completes_its_future) {
    const auto go = std::make_shared<gate>();
    gate inside;
    future<int> f;
    {
        thread_pool pool(1);
        f = pool.submit([&inside, go] {
            inside.open();
            go->pass();
            return 1;
        });
        inside.pass();
        BOOST_TEST(pool.shutdown(1ms).stuck.size() == 1u);
    }
    go->open();
    BOOST_TEST(f.result() == 1);
}

BOOST_AUTO_TEST_CASE(thousands_of_workers_start_and_end) {
    constexpr std::size_t n = 1000;
    std::latch all(n + 1);
    thread_pool pool(n);
    std::vector<future<void>> futures;
    for (std::size_t i = 0; i < n; ++i)
        futures.push_back(pool.submit([&] { all.arrive_and_wait(); }));
    all.arrive_and_wait(); // every one of them has a worker
    for (auto& f : futures)
        f.result();
    BOOST_TEST(pool.stats().workers == n);
}
