// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include <ferry/process_pool.hpp>

#include <ferry/ferry.hpp>
#include <ferry/process.hpp>

#define BOOST_TEST_MODULE process_pool
#define BOOST_TEST_NO_MAIN
#include "helpers/proc.hpp"
#include "helpers/process_helpers.hpp"
#include "helpers/worker_main.hpp"

#include <array>
#include <csignal>
#include <cstdio>
#include <memory>
#include <numeric>
#include <set>
#include <stop_token>
#include <thread>
#include <unordered_map>

#include <fcntl.h>
#include <sys/wait.h>

using namespace std::chrono_literals;

namespace {

int triple(int n) { return 3 * n; }
int pid() { return ::getpid(); }
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
    BOOST_TEST(pool.submit(
                       +[](int n) { return -n; }, 6)
                   .result() == -6);
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

// ---- Workers ------------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(no_process_starts_before_it_is_needed_and_an_idle_one_is_reused) { // CF-PP-05
    ferry::process_pool pool(4);
    BOOST_TEST(pool.stats().workers == 0u);
    std::set<int> pids;
    for (int i = 0; i < 3; ++i)
        pids.insert(pool.submit(pid).result());
    BOOST_TEST(pids.size() == 1u);
    BOOST_TEST(pool.stats().workers == 1u);
}

BOOST_AUTO_TEST_CASE(never_more_processes_than_max_workers) { // CF-PP-04
    ferry::process_pool pool(2);
    std::vector<ferry::future<int>> all;
    std::set<int> pids;
    for (int i = 0; i < 30; ++i)
        all.push_back(pool.submit(pausing, 2));
    for (auto& f : all)
        pids.insert(f.result());
    BOOST_TEST(pids.size() == 2u);
    BOOST_TEST(pids.count(::getpid()) == 0u); // CF-PP-07
}

BOOST_AUTO_TEST_CASE(a_worker_is_replaced_after_max_tasks_per_child) { // CF-PP-08, CF-PP-41
    ferry::process_pool pool({.max_workers = 1, .max_tasks_per_child = 3});
    std::vector<int> pids;
    for (int i = 0; i < 9; ++i)
        pids.push_back(pool.submit(pid).result());
    for (std::size_t i = 0; i < 9; ++i)
        BOOST_TEST((pids[i] == pids[i / 3 * 3]));
    BOOST_TEST((std::set<int>(pids.begin(), pids.end()).size() == 3u));
    std::vector<ferry::future<int>> all; // and with all of them handed out at once
    for (int i = 0; i < 30; ++i)
        all.push_back(pool.submit(pid));
    std::map<int, int> count;
    for (auto& f : all)
        ++count[f.result()];
    for (const auto& [p, n] : count)
        BOOST_TEST(n <= 3);
    BOOST_TEST(pool.stats().workers <= 1u);
    pool.shutdown();
    for (const auto& [p, n] : count)
        BOOST_TEST(::kill(p, 0) == -1);
}

BOOST_AUTO_TEST_CASE(the_initializer_runs_once_in_each_worker_before_its_first_task) { // CF-INIT-01
    std::string text = "first";
    ferry::process_pool_options options{.max_workers = 2,
                                        .initializer = {[](int n, const std::string& s) {
                                                            global = n + static_cast<int>(s.size());
                                                        },
                                                        100, text},
                                        .max_tasks_per_child = 2};
    text = "changed later"; // CF-INIT-08
    ferry::process_pool pool(options);
    std::vector<ferry::future<int>> all;
    for (int i = 0; i < 12; ++i)
        all.push_back(pool.submit([] { return global++; }));
    for (auto& f : all)
        BOOST_TEST((f.result() == 105 || f.result() == 106));
}

BOOST_AUTO_TEST_CASE(a_large_initializer_argument_arrives) {
    ferry::process_pool pool(
        {.max_workers = 1,
         .initializer = {[](const std::vector<int>& v) { global = static_cast<int>(v.size()); },
                         std::vector<int>(100'000)}});
    BOOST_TEST(pool.submit([] { return global; }).result() == 100'000);
}

BOOST_AUTO_TEST_CASE(an_initializer_that_throws_breaks_the_pool) { // CF-INIT-03, CF-BRK-05
    ferry::process_pool pool(
        {.max_workers = 2, .initializer = {[] { throw std::runtime_error("no licence"); }}});
    std::vector<ferry::future<int>> all;
    try {
        for (int i = 0; i < 5; ++i)
            all.push_back(pool.submit(pid));
    } catch (const ferry::broken_process_pool&) {
    }
    BOOST_REQUIRE(!all.empty());
    for (auto& f : all) {
        try {
            f.result(20s);
            BOOST_ERROR("expected broken_process_pool");
        } catch (const ferry::broken_process_pool& e) {
            BOOST_TEST(std::string(e.what()).find("no licence") != std::string::npos);
        }
    }
    BOOST_CHECK_THROW(pool.submit(pid), ferry::broken_process_pool);
    pool.shutdown();
    pool.shutdown();
    BOOST_TEST(pool.stats().workers == 0u); // CF-BRK-06
    ferry::process_pool fresh(1);           // CF-BRK-27
    BOOST_TEST(fresh.submit(triple, 1).result() == 3);
}

BOOST_AUTO_TEST_CASE(an_initializer_that_crashes_breaks_the_pool) {
    ferry::process_pool pool({.max_workers = 1, .initializer = {[] { ::abort(); }}});
    auto f = pool.submit(pid);
    BOOST_CHECK_THROW(f.result(20s), ferry::broken_process_pool);
}

BOOST_AUTO_TEST_CASE(the_environment_and_the_working_directory_reach_the_worker) { // CF-PP-34
    ::setenv("FERRY_TEST_KEPT", "kept", 1);
    ::setenv("FERRY_TEST_CHANGED", "old", 1);
    ferry::process_pool pool({.max_workers = 1,
                              .environment = {{"FERRY_TEST_CHANGED", "new"}},
                              .working_directory = "/"});
    const auto get = [](const std::string& name) {
        const char* const v = std::getenv(name.c_str());
        return std::string(v != nullptr ? v : "(none)");
    };
    BOOST_TEST(pool.submit(get, "FERRY_TEST_KEPT").result() == "kept");
    BOOST_TEST(pool.submit(get, "FERRY_TEST_CHANGED").result() == "new");
    BOOST_TEST(pool.submit(get, "FERRY_WORKER").result() == "(none)");
    BOOST_TEST(pool.submit([] { return std::filesystem::current_path().string(); }).result() ==
               "/");
}

BOOST_AUTO_TEST_CASE(a_working_directory_that_does_not_exist_breaks_the_pool_and_is_named) {
    ferry::process_pool pool({.max_workers = 1, .working_directory = "/no/such/directory"});
    try {
        pool.submit(pid).result(20s);
        BOOST_ERROR("expected broken_process_pool");
    } catch (const ferry::broken_process_pool& e) {
        BOOST_TEST(std::string(e.what()).find("/no/such/directory") != std::string::npos);
    }
}

BOOST_AUTO_TEST_CASE(a_worker_inherits_no_descriptor_but_its_own_and_the_standard_three) {
    const int leak = ::fcntl(STDERR_FILENO, F_DUPFD, 500); // a number that no worker uses itself
    ferry::process_pool pool(2);
    pool.submit(pid).result();
    const auto open_at_start = [](int from) { return ::fcntl(from, F_GETFD) != -1; };
    BOOST_TEST(!pool.submit(open_at_start, leak).result());
    ::close(leak);
    BOOST_TEST(pool.submit([] { return std::getchar(); }).result() == EOF); // its input is empty
}

BOOST_AUTO_TEST_CASE(what_a_task_prints_does_not_disturb_the_pool) {
    ferry::process_pool pool(1);
    for (int i = 0; i < 3; ++i) {
        pool.submit([] {
                std::printf("%s", "");
                std::fputs("a task writes to standard error\n", stderr);
                char c = 0;
                static_cast<void>(::read(0, &c, 1) < 0);
            })
            .result();
    }
    BOOST_TEST(pool.submit(triple, 3).result() == 9);
}

BOOST_AUTO_TEST_CASE(a_worker_ignores_an_interrupt_from_the_terminal) {
    ferry::process_pool pool(1);
    const int p = pool.submit(pid).result();
    ::kill(p, SIGINT);
    BOOST_TEST(pool.submit(pid).result() == p);
}

BOOST_AUTO_TEST_CASE(pools_can_be_nested_but_not_without_end) { // CF-PP-36
    ferry::process_pool pool(1);
    BOOST_TEST(pool.submit([] {
                       ferry::process_pool inner(1);
                       return inner.submit(triple, 14).result();
                   })
                   .result() == 42);
    ::setenv("FERRY_WORKER_DEPTH", "8", 1);
    BOOST_CHECK_THROW(ferry::process_pool(1), std::logic_error);
    ::unsetenv("FERRY_WORKER_DEPTH");
}

BOOST_AUTO_TEST_CASE(a_task_can_start_a_program) { // CF-TP-10
    ferry::process_pool pool(1);
    BOOST_TEST(pool.submit([] { return std::system("exit 3"); }).result() == 3 << 8);
}

BOOST_AUTO_TEST_CASE(a_user_that_collects_all_children_does_not_hang_the_pool) {
    ferry::process_pool pool(1);
    auto f = pool.submit(sleeping, 30'000);
    const int p = wait_for_worker_of(f, pool);
    std::atomic<bool> enough = false;
    std::thread thief([&enough] {
        while (!enough) {
            ::waitpid(-1, nullptr, WNOHANG);
            std::this_thread::yield();
        }
    });
    ::kill(p, SIGKILL);
    BOOST_CHECK_THROW(f.result(20s), ferry::worker_died);
    pool.shutdown();
    enough = true;
    thief.join();
}

BOOST_AUTO_TEST_CASE(ignored_SIGCHLD_does_not_hang_the_pool) {
    const auto before = ::signal(SIGCHLD, SIG_IGN);
    {
        ferry::process_pool pool(1);
        BOOST_TEST(pool.submit(triple, 1).result() == 3);
        auto f = pool.submit([] { ::_exit(3); });
        BOOST_CHECK_THROW(f.result(20s), ferry::worker_died);
        BOOST_TEST(pool.submit(triple, 1).result() == 3);
    }
    ::signal(SIGCHLD, before);
}

// ---- Cancellation, timeouts and stopping
// --------------------------------------------------------

BOOST_AUTO_TEST_CASE(what_has_not_started_can_be_cancelled_and_never_runs) { // CF-CAN-01, CF-CAN-02
    ferry::process_pool pool(1);
    marker ran;
    auto busy = pool.submit(sleeping, 300);
    const int p = wait_for_worker_of(busy, pool);
    std::vector<ferry::future<void>> waiting;
    for (int i = 0; i < 20; ++i)
        waiting.push_back(pool.submit(touch, ran.path()));
    for (auto& f : waiting)
        BOOST_TEST(f.cancel());
    BOOST_TEST(!busy.cancel());
    BOOST_TEST(busy.running());
    BOOST_TEST(busy.result() == p);
    BOOST_TEST(pool.submit(triple, 1).result() == 3);
    BOOST_TEST(!ran.touched());
}

BOOST_AUTO_TEST_CASE(running_means_running_also_for_tasks_handed_out_ahead) {
    ferry::process_pool pool(1);
    for (int i = 0; i < 300; ++i) // so that many are handed out at a time
        pool.submit(triple, i).result();
    for (int round = 0; round < 20; ++round) {
        marker ran;
        auto busy = pool.submit(sleeping, 20);
        std::vector<ferry::future<void>> behind;
        for (int i = 0; i < 10; ++i)
            behind.push_back(pool.submit(touch, ran.path()));
        wait_for_worker_of(busy, pool);
        for (auto& f : behind) {
            BOOST_TEST(!f.running());
            BOOST_TEST(f.cancel());
        }
        busy.result();
        pool.submit(triple, 1).result();
        BOOST_TEST(!ran.touched());
    }
}

BOOST_AUTO_TEST_CASE(a_long_task_holds_nobody_hostage) {
    ferry::process_pool pool(2);
    std::vector<ferry::future<int>> warm;
    for (int i = 0; i < 2000; ++i)
        warm.push_back(pool.submit(triple, i));
    for (auto& f : warm)
        f.result();
    auto longest = pool.submit(sleeping, 5'000);
    std::vector<ferry::future<int>> behind;
    for (int i = 0; i < 200; ++i)
        behind.push_back(pool.submit(triple, i));
    for (int i = 0; i < 200; ++i)
        BOOST_TEST(behind[static_cast<std::size_t>(i)].result(20s) == 3 * i);
    BOOST_TEST(!longest.done());
    pool.kill_workers();
}

BOOST_AUTO_TEST_CASE(a_time_out_ends_the_worker_and_the_others_go_on) { // CF-TMO-22
    ferry::process_pool pool({.max_workers = 1, .kill_grace = 100ms});
    auto f = pool.submit({.label = "slow", .timeout = 50ms}, sleeping_stubbornly, 30'000);
    auto next = pool.submit(pid);
    try {
        f.result(20s);
        BOOST_ERROR("expected timeout_error");
    } catch (const ferry::timeout_error& e) {
        BOOST_TEST(std::string(e.what()).find("slow") != std::string::npos);
        BOOST_TEST(f.done());
    }
    BOOST_TEST(next.result(20s) > 0);
}

BOOST_AUTO_TEST_CASE(a_time_out_runs_from_the_start_of_the_run) {
    ferry::process_pool pool(1);
    auto first = pool.submit(sleeping, 300);
    auto second = pool.submit({.timeout = 200ms}, triple, 2);
    BOOST_TEST(second.result() == 6);
    auto in_time = pool.submit({.timeout = 20s}, triple, 3);
    BOOST_TEST(in_time.result() == 9);
    BOOST_CHECK_THROW(pool.submit({.timeout = 0s}, sleeping, 10'000).result(20s),
                      ferry::timeout_error);
}

BOOST_AUTO_TEST_CASE(a_task_that_does_not_start_in_time_never_runs) {
    ferry::process_pool pool(1);
    marker ran;
    auto busy = pool.submit(sleeping, 200);
    auto late =
        pool.submit({.start_by = std::chrono::steady_clock::now() + 20ms}, touch, ran.path());
    BOOST_CHECK_THROW(late.result(20s), ferry::timeout_error);
    BOOST_TEST(!busy.done());
    busy.result();
    pool.submit(triple, 1).result();
    BOOST_TEST(!ran.touched());
}

BOOST_AUTO_TEST_CASE(higher_priorities_run_first) {
    ferry::process_pool pool(1);
    auto busy = pool.submit(sleeping, 200);
    wait_for_worker_of(busy, pool);
    const auto next = [] { return ++global; };
    auto low = pool.submit({.priority = -1}, next);
    auto normal = pool.submit(next);
    auto high = pool.submit({.priority = 5}, next);
    BOOST_TEST(high.result() < normal.result());
    BOOST_TEST(normal.result() < low.result());
}

BOOST_AUTO_TEST_CASE(a_running_task_with_a_stop_token_can_be_asked_to_stop) {
    ferry::process_pool pool(1);
    auto f = pool.submit(
        [](std::stop_token stop, int most_ms) {
            for (int i = 0; i < most_ms && !stop.stop_requested(); ++i)
                ::usleep(1000);
            return stop.stop_requested();
        },
        30'000);
    wait_for_worker_of(f, pool);
    BOOST_TEST(f.request_stop());
    BOOST_TEST(f.result(20s));
    BOOST_TEST(!pool.submit(triple, 1).request_stop());
}

// ---- Shutting down ------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(shutdown_completes_what_is_queued) { // CF-SHUT-04, CF-SHUT-01
    std::vector<ferry::future<int>> all;
    {
        ferry::process_pool pool(2);
        for (int i = 0; i < 50; ++i)
            all.push_back(pool.submit(triple, i));
        pool.shutdown();
        BOOST_CHECK_THROW(pool.submit(triple, 1), ferry::shutdown_error);
        BOOST_CHECK_THROW(pool.map(triple, std::vector{1}), ferry::shutdown_error); // CF-MAP-23
        BOOST_TEST(pool.stats().workers == 0u);
        pool.shutdown(); // CF-SHUT-18
    }
    for (int i = 0; i < 50; ++i)
        BOOST_TEST(all[static_cast<std::size_t>(i)].result(0s) == 3 * i);
}

BOOST_AUTO_TEST_CASE(shutdown_can_cancel_what_has_not_started) { // CF-SHUT-05
    ferry::process_pool pool(2);
    std::vector<ferry::future<int>> all;
    for (int i = 0; i < 50; ++i)
        all.push_back(pool.submit(sleeping, 20));
    wait_for_worker_of(all.front(), pool);
    pool.shutdown({.cancel_futures = true});
    int cancelled = 0, finished = 0;
    for (auto& f : all) {
        BOOST_TEST(f.done());
        ++(f.cancelled() ? cancelled : finished);
    }
    BOOST_TEST(cancelled > 20);
    BOOST_TEST(finished >= 1);
}

BOOST_AUTO_TEST_CASE(shutdown_without_waiting_returns_at_once) { // CF-SHUT-11
    ferry::process_pool pool(1);
    auto f = pool.submit(sleeping, 200);
    pool.shutdown({.wait = false});
    BOOST_TEST(!f.done());
    BOOST_TEST(f.result(20s) > 0);
}

BOOST_AUTO_TEST_CASE(shutdown_with_a_deadline_reports_what_was_left) { // CF-SHUT-26
    ferry::process_pool pool(1);
    auto quick = pool.submit(triple, 1);
    auto stuck = pool.submit({.label = "stuck one"}, sleeping_stubbornly, 60'000);
    quick.result();
    wait_for_worker_of(stuck, pool);
    auto queued = pool.submit(triple, 2);
    const auto report = pool.shutdown(100ms);
    BOOST_TEST(report.dropped == 1u);
    BOOST_REQUIRE(report.stuck.size() == 1u);
    BOOST_TEST(report.stuck.front().label == "stuck one");
    BOOST_CHECK(report.stuck.front().age >= 50ms);
    BOOST_TEST(queued.cancelled());
    BOOST_CHECK_THROW(stuck.result(20s), ferry::worker_died);
}

BOOST_AUTO_TEST_CASE(a_pool_that_was_never_used_ends) { // CF-PP-21
    ferry::process_pool pool(2);
    pool.terminate_workers();
    pool.kill_workers();
    BOOST_CHECK_THROW(pool.submit(pid), ferry::shutdown_error);
}

BOOST_AUTO_TEST_CASE(
    ending_the_workers_fails_what_runs_and_cancels_the_rest) { // CF-PP-17, CF-PP-19, CF-PP-22
    for (const bool gently : {true, false}) {
        ferry::process_pool pool(1);
        auto running = pool.submit(sleeping, 60'000);
        const int p = wait_for_worker_of(running, pool);
        auto queued = pool.submit(pid);
        gently ? pool.terminate_workers() : pool.kill_workers();
        try {
            running.result(20s);
            BOOST_ERROR("expected worker_died");
        } catch (const ferry::worker_died& e) {
            BOOST_TEST((e.signal() == (gently ? SIGTERM : SIGKILL)));
            BOOST_TEST(e.pid() == p);
        }
        BOOST_TEST(queued.cancelled());
        BOOST_TEST(::kill(p, 0) == -1);
        BOOST_CHECK_THROW(pool.submit(pid), ferry::shutdown_error);
        gently ? pool.terminate_workers() : pool.kill_workers();
    }
}

BOOST_AUTO_TEST_CASE(an_idle_worker_that_does_not_answer_does_not_hang_the_end) {
    ferry::process_pool pool({.max_workers = 1, .kill_grace = 50ms});
    const int p = pool.submit(pid).result();
    ::kill(p, SIGSTOP);
    pool.shutdown();
    BOOST_TEST(::kill(p, 0) == -1);
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

BOOST_AUTO_TEST_CASE(a_task_that_waits_with_a_time_out_gives_its_worker_back) { // CF-DLK-09
    ferry::process_pool pool(1);
    BOOST_TEST(pool.submit([] {
                       ferry::process_pool inner(1);
                       auto f = inner.submit(sleeping, 300);
                       try {
                           f.result(10ms);
                       } catch (const ferry::timeout_error&) {
                           return 1;
                       }
                       return 0;
                   })
                   .result(20s) == 1);
    BOOST_TEST(pool.submit(triple, 1).result(20s) == 3);
}

BOOST_AUTO_TEST_CASE(
    pools_leave_neither_descriptors_nor_threads_nor_processes) { // CF-SHUT-33, CF-PP-43
    const auto once = [] {
        ferry::process_pool pool(2);
        pool.submit([](std::string s) { return s; }, std::string(100'000, 'x')).result();
    };
    once();
    const auto files = open_files(), threads = threads_named("");
    for (int i = 0; i < 50; ++i)
        once();
    BOOST_TEST(open_files() == files);
    BOOST_TEST(eventually([&] { return threads_named("") <= threads; }));
    BOOST_TEST(::waitpid(-1, nullptr, WNOHANG) <= 0);
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

BOOST_AUTO_TEST_CASE(the_time_out_of_a_map_runs_from_the_call) { // CF-MAP-06
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
    for ([[maybe_unused]] auto&& unit : pool.map(
             {.chunksize = 2}, [](int) {}, std::vector{1, 2, 3}))
        ++n;
    BOOST_TEST(n == 3);
}

BOOST_AUTO_TEST_CASE(futures_of_both_pools_can_be_waited_for_together) { // CF-IOP-01
    ferry::process_pool processes(1);
    ferry::thread_pool threads(1);
    std::vector<ferry::future<int>> all{processes.submit(triple, 1), threads.submit(triple, 2)};
    int sum = 0;
    for (ferry::future<int> f : ferry::as_completed(all, 20s))
        sum += f.result();
    BOOST_TEST(sum == 9);
    BOOST_TEST(ferry::wait(all).done.size() == 2u);
}
