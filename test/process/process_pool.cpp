// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include <ferry/process_pool.hpp>

#include <ferry/ferry.hpp>
#include <ferry/process.hpp>

#define BOOST_TEST_MODULE process_pool
#define BOOST_TEST_NO_MAIN
#include "helpers/process_helpers.hpp"
#include "helpers/worker_main.hpp"

#include <array>
#include <map>
#include <memory>
#include <numeric>
#include <thread>
#include <unordered_map>
#include <vector>

#include <sys/wait.h>

using namespace std::chrono_literals;

namespace {

void nothing() {}
struct point {
    int x = 0;
    std::string name;
    std::vector<double> more;
    friend bool operator==(const point&, const point&) = default;
};
struct scale { // a function object with state
    int by = 1;
    int operator()(int n) const { return by * n; }
};
enum class colour : unsigned char { red, green };
int global = 1;

} // namespace

// ---- Calls --------------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(a_call_runs_in_another_process) { // CF-SUB-01
    ferry::process_pool pool(2);
    BOOST_TEST(pool.submit(triple, 14).result() == 42);
    BOOST_TEST(pool.submit(pid).result() != ::getpid());
    pool.submit(nothing).result();
}

BOOST_AUTO_TEST_CASE(functions_lambdas_and_function_objects_with_state_can_be_sent) { // CF-PP-30
    ferry::process_pool pool(1);
    BOOST_TEST(pool.submit(&triple, 1).result() == 3);
    BOOST_TEST(pool.submit([](int a, int b) { return a - b; }, 5, 3).result() == 2);
    BOOST_TEST(pool.submit(scale{.by = 7}, 6).result() == 42);
    BOOST_TEST(pool.submit(+[](int n) { return -n; }, 6).result() == -6);
    BOOST_CHECK_THROW(pool.submit(static_cast<int (*)(int)>(nullptr), 1).result(),
                      std::invalid_argument);
}

BOOST_AUTO_TEST_CASE(values_of_many_types_make_the_round_trip) {
    ferry::process_pool pool(1);
    const auto same = [&pool](const auto& value) {
        using type = std::decay_t<decltype(value)>;
        const auto echo = [](type v) { return v; };
        BOOST_CHECK(pool.submit(echo, value).result() == value);
    };
    same(std::string("a\0b", 3));
    same(std::vector<std::string>{"", "x"});
    same(std::map<std::string, std::vector<int>>{{"k", {1, 2}}});
    same(std::optional<int>());
    same(std::optional<point>(point{1, "p", {0.5}}));
    same(std::variant<int, std::string>("v"));
    same(std::tuple<int, char, double>(1, 'c', 2.5));
    same(std::array<point, 2>{point{1, "a", {}}, point{2, "b", {1, 2}}});
    same(colour::green);
    same(1500ms);
    same(std::vector<bool>{true, false, true});
    same(std::unordered_map<int, std::string>{{1, "one"}});
    BOOST_TEST(*pool.submit([](std::unique_ptr<int> p) { return std::make_unique<int>(*p + 1); },
                            std::make_unique<int>(41))
                    .result() == 42);
}

BOOST_AUTO_TEST_CASE(a_string_literal_goes_as_a_string) {
    ferry::process_pool pool(1);
    BOOST_TEST(pool.submit([](const std::string& s) { return s.size(); }, "four").result() == 4u);
}

BOOST_AUTO_TEST_CASE(large_values_arrive_whole) { // CF-PP-33
    ferry::process_pool pool(2);
    for (const std::size_t size : {65'535u, 65'536u, 70'000u, 1u << 20, 100'000'000u}) {
        std::string text(size, 'x');
        text.back() = 'y';
        const auto back = pool.submit([](std::string s) { return s + "z"; }, text).result();
        BOOST_TEST(back.size() == size + 1);
        BOOST_TEST((back.compare(0, size, text) == 0));
    }
    const auto many = pool.submit([](std::size_t n) { return std::vector<int>(n, 7); }, 1u << 20);
    BOOST_TEST(std::accumulate(many.result().begin(), many.result().end(), 0L) == 7L << 20);
}

BOOST_AUTO_TEST_CASE(both_directions_can_be_full_at_once) {
    ferry::process_pool pool(2);
    const std::string text(60'000, 'x'); // in the rings, several times their size
    std::vector<ferry::future<std::string>> all;
    for (int i = 0; i < 200; ++i)
        all.push_back(pool.submit([](std::string s) { return s; }, text));
    for (auto& f : all)
        BOOST_TEST((f.result() == text));
}

BOOST_AUTO_TEST_CASE(a_worker_has_its_own_globals) { // CF-PP-31
    ferry::process_pool pool(1);
    global = 2;
    BOOST_TEST(pool.submit([] { return global; }).result() == 1);
    pool.submit([] { global = 3; }).result();
    BOOST_TEST(pool.submit([] { return global; }).result() == 3);
    BOOST_TEST(global == 2);
}

BOOST_AUTO_TEST_CASE(the_callable_is_encoded_at_once) { // CF-SUB-03
    ferry::process_pool pool(1);
    auto alive = std::make_shared<int>(7);
    auto f = pool.submit([](std::shared_ptr<int> p) { return *p; }, alive);
    BOOST_TEST(alive.use_count() == 1);
    BOOST_TEST(f.result() == 7);
}

BOOST_AUTO_TEST_CASE(options_that_cannot_be_used_are_named) { // CF-TP-02
    BOOST_CHECK_EXCEPTION(ferry::process_pool(0), std::invalid_argument, [](const auto& e) {
        return std::string(e.what()).find("max_workers") != std::string::npos;
    });
    BOOST_CHECK_THROW(ferry::process_pool(static_cast<std::size_t>(-1)), std::invalid_argument);
}

BOOST_AUTO_TEST_CASE(by_default_there_is_a_worker_for_each_usable_cpu) { // CF-PP-03
    BOOST_TEST(ferry::process_pool().max_workers() == ferry::cpu_bound_workers());
    ::setenv("FERRY_CPUS", "3", 1);
    BOOST_TEST(ferry::process_pool().max_workers() == 3u);
    ::setenv("FERRY_CPUS", "nonsense", 1);
    BOOST_TEST(ferry::process_pool().max_workers() >= 1u);
    ::unsetenv("FERRY_CPUS");
}

BOOST_AUTO_TEST_CASE(statistics_count_what_happened) {
    ferry::process_pool pool(1);
    pool.submit(triple, 1).result();
    BOOST_CHECK_THROW(pool.submit([] { throw 1; }).result(), ferry::remote_error);
    auto busy = pool.submit(sleeping, 200);
    wait_for_worker_of(busy, pool);
    auto queued = pool.submit(triple, 1);
    BOOST_TEST(pool.stats().running == 1u);
    BOOST_TEST(pool.stats().queued == 1u);
    queued.cancel();
    busy.result();
    const auto s = pool.stats();
    BOOST_TEST(s.completed == 2u);
    BOOST_TEST(s.failed == 1u);
    BOOST_TEST(s.cancelled == 1u);
    BOOST_TEST(s.workers == 1u);
    BOOST_TEST(s.idle == 1u);
    BOOST_TEST(s.run_time.count() == 3u);
    BOOST_TEST(s.queue_wait.count() == 3u);
    BOOST_CHECK(s.run_time.quantile(1.0) >= 200ms);
    BOOST_TEST(pool.max_workers() == 1u);
}

BOOST_AUTO_TEST_CASE(many_threads_may_use_one_pool) {
    ferry::process_pool pool(2);
    std::vector<std::thread> threads;
    std::atomic<int> wrong = 0;
    for (int t = 0; t < 4; ++t) {
        threads.emplace_back([&pool, &wrong, t] {
            for (int i = 0; i < 200; ++i) {
                auto f = pool.submit(triple, i);
                if (i % 3 == t % 3 && f.cancel())
                    continue;
                if (f.result() != 3 * i)
                    ++wrong;
            }
        });
    }
    for (auto& t : threads)
        t.join();
    BOOST_TEST(wrong == 0);
}

// ---- map ----------------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(map_gives_what_the_serial_loop_gives) { // CF-MAP-01, CF-MAP-02, CF-MAP-19
    ferry::process_pool pool(2);
    std::vector<int> input(23);
    std::iota(input.begin(), input.end(), 0);
    for (const std::size_t chunk : {1, 2, 5, 23, 100}) {
        for (const std::size_t buffer : {0, 1, 2, 23, 46}) {
            ferry::map_options options{.chunksize = chunk};
            if (buffer != 0)
                options.buffersize = buffer;
            std::vector<int> output;
            for (int n : pool.map(options, triple, input))
                output.push_back(n);
            BOOST_REQUIRE(output.size() == input.size());
            for (std::size_t i = 0; i < input.size(); ++i)
                BOOST_TEST(output[i] == 3 * input[i]);
        }
    }
    std::vector<int> sums;
    for (int n : pool.map(
             {.chunksize = 2}, [](int a, int b) { return a + b; }, input, std::vector{10, 20, 30}))
        sums.push_back(n);
    BOOST_TEST(sums == (std::vector{10, 21, 32}), boost::test_tools::per_element());
    for ([[maybe_unused]] int n : pool.map(triple, std::vector<int>()))
        BOOST_ERROR("nothing was expected");
}

BOOST_AUTO_TEST_CASE(map_checks_its_options_at_the_call) { // CF-MAP-11, CF-MAP-18
    ferry::process_pool pool(1);
    BOOST_CHECK_THROW(pool.map({.chunksize = 0}, triple, std::vector{1}), std::invalid_argument);
    BOOST_CHECK_THROW(pool.map({.buffersize = 0}, triple, std::vector{1}), std::invalid_argument);
}

BOOST_AUTO_TEST_CASE(a_failing_element_throws_at_its_place_also_inside_a_chunk) { // CF-MAP-03
    ferry::process_pool pool(2);
    auto results = pool.map(
        {.chunksize = 3},
        [](int n) {
            if (n % 4 == 1)
                throw std::out_of_range("bad " + std::to_string(n));
            return n;
        },
        std::views::iota(0, 10));
    std::vector<int> seen;
    int failed = 0;
    auto it = results.begin();
    for (; it != results.end(); ++it) {
        try {
            seen.push_back(*it);
        } catch (const std::out_of_range& e) {
            seen.push_back(-1);
            ++failed;
            BOOST_TEST(std::string(e.what()) == "bad " + std::to_string(seen.size() - 1));
        }
    }
    BOOST_TEST(failed == 3);
    BOOST_TEST(seen == (std::vector{0, -1, 2, 3, 4, -1, 6, 7, 8, -1}),
               boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_map_with_a_buffer_reads_an_infinite_range_just_so_far) { // CF-MAP-13
    ferry::process_pool pool(2);
    int read = 0;
    auto source = std::views::iota(0) | std::views::transform([&read](int n) { return ++read, n; });
    auto results = pool.map({.chunksize = 3, .buffersize = 7}, triple, source);
    BOOST_TEST(read == 7);
    auto it = results.begin();
    for (int i = 0; i < 30; ++i, ++it) {
        BOOST_TEST(*it == 3 * i);
        BOOST_TEST(read <= i + 7);
    }
}

BOOST_AUTO_TEST_CASE(the_timeout_of_a_map_runs_from_the_call) { // CF-MAP-06
    ferry::process_pool pool({.max_workers = 1, .kill_grace = 50ms});
    auto results = pool.map({.timeout = 1s}, sleeping, std::vector{0, 0, 30'000, 0});
    auto it = results.begin();
    BOOST_TEST(*it > 0);
    BOOST_TEST(*++it > 0);
    BOOST_CHECK_THROW(*++it, ferry::timeout_error);
    BOOST_TEST((it == results.end()));
    pool.kill_workers();
}

BOOST_AUTO_TEST_CASE(a_map_of_functions_without_a_result_works) {
    ferry::process_pool pool(1);
    int n = 0;
    for ([[maybe_unused]] auto&& unit :
         pool.map({.chunksize = 2}, [](int) {}, std::vector{1, 2, 3}))
        ++n;
    BOOST_TEST(n == 3);
}

BOOST_AUTO_TEST_CASE(futures_of_both_pools_can_be_waited_for_together) { // CF-IOP-01
    ferry::process_pool processes(1);
    ferry::thread_pool threads(1);
    std::vector<ferry::future<int>> all{processes.submit(triple, 1), threads.submit(triple, 2)};
    int sum = 0;
    for (ferry::future<int> f : ferry::as_completed(all, patience))
        sum += f.result();
    BOOST_TEST(sum == 9);
    BOOST_TEST(ferry::wait(all).done.size() == 2u);
}
