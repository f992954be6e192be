// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
// Tasks that are started again because their worker died, and what is told of a death.
#include <ferry/process_pool.hpp>

#include <ferry/ferry.hpp>
#include <ferry/process.hpp>

#define BOOST_TEST_MODULE process_attempts
#define BOOST_TEST_NO_MAIN
#include "helpers/proc.hpp"
#include "helpers/process_helpers.hpp"
#include "helpers/worker_main.hpp"

#include <boost/asio/awaitable.hpp>

#include <cstdlib>
#include <vector>

namespace asio = boost::asio;
using namespace std::chrono_literals;

namespace {

// Writes a line; gives how many lines there are.
int note(const std::string& path, const std::string& line) {
    std::ofstream(path, std::ios::app) << line << '\n';
    std::ifstream file(path);
    int lines = 0;
    for (std::string text; std::getline(file, text);)
        ++lines;
    return lines;
}

int dies_so_often(const std::string& path, int deaths) {
    const int run = note(path, "run");
    if (run <= deaths)
        ::_exit(7);
    return run;
}

template <class T>
ferry::worker_died death_of(ferry::future<T> f) {
    try {
        f.result(patience);
    } catch (const ferry::worker_died& e) {
        return e;
    }
    throw std::logic_error("the worker did not die");
}

} // namespace

BOOST_AUTO_TEST_CASE(an_idempotent_task_starts_again_until_it_succeeds) {
    ferry::process_pool pool(1);
    marker runs;
    auto f = pool.submit({.idempotent = true, .attempts = 3}, dies_so_often, runs.path(), 2);
    BOOST_TEST(f.result(patience) == 3);
    const auto s = pool.stats();
    BOOST_TEST(s.completed == 1u);
    BOOST_TEST(s.failed == 0u);
}

BOOST_AUTO_TEST_CASE(its_last_death_is_its_outcome_and_says_which_start_that_was) {
    ferry::process_pool pool(1);
    marker runs;
    const auto e = death_of(pool.submit({.label = "fragile", .idempotent = true, .attempts = 3},
                                        dies_so_often, runs.path(), 100));
    BOOST_TEST(e.attempt() == 3u);
    BOOST_TEST(e.label() == "fragile");
    BOOST_TEST((e.exit_code() == 7));
    BOOST_TEST(std::string(e.what()).find("attempt 3") != std::string::npos);
    BOOST_TEST(lines_of(runs.path()).size() == 3u);
    BOOST_TEST(pool.stats().failed == 1u);
    BOOST_TEST(pool.submit(triple, 1).result(patience) == 3);
}

BOOST_AUTO_TEST_CASE(several_attempts_count_only_for_an_idempotent_task) {
    ferry::process_pool pool(1);
    marker runs;
    BOOST_TEST(death_of(pool.submit({.attempts = 5}, dies_so_often, runs.path(), 9)).attempt() ==
               1u);
    BOOST_TEST(
        death_of(pool.submit({.idempotent = true}, dies_so_often, runs.path(), 9)).attempt() == 1u);
    BOOST_TEST(lines_of(runs.path()).size() == 2u);
}

BOOST_AUTO_TEST_CASE(no_attempt_at_all_is_refused) {
    ferry::process_pool pool(1);
    const auto names_it = [](const std::invalid_argument& e) {
        return std::string(e.what()).find("attempts") != std::string::npos;
    };
    BOOST_CHECK_EXCEPTION(pool.submit({.attempts = 0}, triple, 1), std::invalid_argument, names_it);
    BOOST_CHECK_EXCEPTION(ferry::run([](ferry::process_pool& p) -> asio::awaitable<void> {
                              ferry::task_options none{.attempts = 0};
                              co_await ferry::run_in_executor(p, none, triple, 1);
                          }(pool)),
                          std::invalid_argument, names_it);
    std::exception_ptr error;
    asio::io_context context;
    ferry::async_invoke(
        pool, ferry::task_options{.attempts = 0}, [] { return 1; },
        asio::bind_executor(context, [&](std::exception_ptr e, int) { error = e; }));
    context.run();
    BOOST_REQUIRE(error != nullptr);
    BOOST_CHECK_THROW(std::rethrow_exception(error), std::invalid_argument);
}

BOOST_AUTO_TEST_CASE(it_goes_before_what_was_submitted_after_it_and_behind_higher_priorities) {
    ferry::process_pool pool(1);
    marker order;
    auto first = pool.submit(
        {.priority = 1, .idempotent = true, .attempts = 2},
        [](const std::string& path) {
            if (note(path, "first") == 1) {
                while (lines_of(path + ".go").empty()) // the others are queued behind it
                    std::this_thread::yield();
                ::_exit(7);
            }
        },
        order.path());
    wait_for_worker_of(first, pool);
    auto second = pool.submit({.priority = 1}, note, order.path(), "second");
    auto lowest = pool.submit(note, order.path(), "lowest");
    auto highest = pool.submit({.priority = 2}, note, order.path(), "highest");
    note(order.path() + ".go", "go");
    first.result(patience);
    second.result(patience);
    lowest.result(patience);
    highest.result(patience);
    std::filesystem::remove(order.path() + ".go");
    const std::vector<std::string> expected{"first", "highest", "first", "second", "lowest"};
    BOOST_TEST(lines_of(order.path()) == expected, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(only_a_death_starts_it_again) {
    ferry::process_pool pool({.max_workers = 1, .kill_grace = 50ms});
    marker thrown, late;
    const ferry::task_options often{.idempotent = true, .attempts = 5};
    BOOST_CHECK_THROW(pool.submit(
                              often,
                              [](const std::string& path) {
                                  note(path, "run");
                                  throw std::out_of_range("far");
                              },
                              thrown.path())
                          .result(patience),
                      std::out_of_range);
    BOOST_TEST(lines_of(thrown.path()).size() == 1u);
    auto limited = often;
    limited.timeout = 50ms;
    BOOST_CHECK_THROW(pool.submit(
                              limited,
                              [](const std::string& path) {
                                  note(path, "run");
                                  sleeping_stubbornly(600'000);
                              },
                              late.path())
                          .result(patience),
                      ferry::timeout_error);
    BOOST_TEST(pool.submit(triple, 1).result(patience) == 3);
    BOOST_TEST(lines_of(late.path()).size() <= 1u); // it may be ended before it writes
}

BOOST_AUTO_TEST_CASE(neither_a_cancellation_nor_the_end_of_the_pool_starts_it_again) {
    const ferry::task_options often{.idempotent = true, .attempts = 5};
    const auto dies_when_asked = [](std::stop_token stop) {
        while (!stop.stop_requested())
            std::this_thread::yield();
        ::_exit(7);
    };
    {
        ferry::process_pool pool(1);
        auto asked = pool.submit(often, dies_when_asked);
        wait_for_worker_of(asked, pool);
        BOOST_TEST(asked.request_stop());
        BOOST_TEST(death_of(asked).attempt() == 1u);
    }
    for (const bool gently : {true, false}) {
        ferry::process_pool pool(1);
        auto f = pool.submit(often, sleeping, 600'000);
        wait_for_worker_of(f, pool);
        gently ? pool.terminate_workers() : pool.kill_workers();
        BOOST_TEST(death_of(f).attempt() == 1u);
    }
    ferry::process_pool pool(1);
    auto f = pool.submit(often, sleeping_stubbornly, 600'000);
    wait_for_worker_of(f, pool);
    BOOST_TEST(pool.shutdown(1ms).stuck.size() == 1u);
    BOOST_TEST(death_of(f).attempt() == 1u);
}

BOOST_AUTO_TEST_CASE(a_shutdown_that_completes_what_is_queued_completes_what_starts_again) {
    marker runs;
    ferry::future<int> f;
    {
        ferry::process_pool pool(1);
        f = pool.submit({.idempotent = true, .attempts = 3}, dies_so_often, runs.path(), 2);
        pool.shutdown();
    }
    BOOST_TEST(f.result(0s) == 3);
}

BOOST_AUTO_TEST_CASE(a_latest_start_is_that_of_the_first_one) {
    ferry::process_pool pool(1);
    pool.submit(triple, 1).result(); // so that there is a worker
    marker runs;
    const auto latest = std::chrono::steady_clock::now() + 2s;
    auto f = pool.submit(
        {.start_by = latest, .idempotent = true, .attempts = 2},
        [](const std::string& path, std::int64_t until) {
            if (note(path, "run") > 1)
                return 1;
            const std::chrono::steady_clock::time_point late{std::chrono::nanoseconds(until)};
            std::this_thread::sleep_until(late + 50ms);
            ::_exit(7);
        },
        runs.path(), std::chrono::nanoseconds(latest.time_since_epoch()).count());
    wait_for_worker_of(f, pool);
    BOOST_TEST(f.result(patience) == 1);
}

BOOST_AUTO_TEST_CASE(large_arguments_are_kept_for_the_next_start) {
    ferry::process_pool pool(1);
    marker runs;
    const std::string text(5'000'000, 't');
    auto f = pool.submit(
        {.idempotent = true, .attempts = 3},
        [](const std::string& path, const std::string& s) {
            if (note(path, "run") <= 2)
                ::_exit(7);
            return s;
        },
        runs.path(), text);
    BOOST_TEST((f.result(patience) == text));
}

BOOST_AUTO_TEST_CASE(a_task_between_two_starts_can_be_cancelled) {
    // Its worker dies and none can be started, so it stays in the queue.
    marker runs;
    const auto folder = runs.path() + ".d";
    std::filesystem::create_directory(folder);
    ferry::process_pool pool({.max_workers = 1, .working_directory = folder});
    auto f = pool.submit(
        {.idempotent = true, .attempts = 2},
        [](const std::string& path) {
            while (std::filesystem::exists(path))
                std::this_thread::yield();
            ::_exit(7);
        },
        folder);
    wait_for_worker_of(f, pool);
    BOOST_TEST(!f.cancel());
    std::filesystem::remove(folder);
    BOOST_TEST(eventually([&] { return f.cancel() || f.done(); }));
    BOOST_TEST(f.cancelled());
    BOOST_TEST(pool.stats().cancelled == 1u);
}

BOOST_AUTO_TEST_CASE(a_death_tells_what_the_worker_used) {
    ferry::process_pool pool(1);
    pool.submit(triple, 1).result();
    constexpr std::size_t bytes = 300u << 20; // more than this program has
    const auto e = death_of(pool.submit(
        [](std::size_t size) {
            std::vector<char> filled(size, 'x');
            const auto begin = std::clock();
            while (std::clock() - begin < CLOCKS_PER_SEC / 5) {
            }
            ::_exit(filled.back() == 'x' ? 7 : 8);
        },
        bytes));
    BOOST_TEST(e.usage().peak_memory >= bytes);
    BOOST_TEST(e.usage().peak_memory < 20 * bytes);
    BOOST_CHECK(e.usage().cpu_time >= 200ms);
    BOOST_TEST(ferry::worker_died().usage().peak_memory == 0u);
    BOOST_TEST(ferry::worker_died().attempt() == 1u);
}

// The kernel counts this process's memory as the child's until that is a program of its own.
BOOST_AUTO_TEST_CASE(the_memory_of_the_pools_process_is_not_the_workers) {
    constexpr std::size_t bytes = 400u << 20;
    const std::vector<char> filled(bytes, 'x');
    ferry::process_pool pool(1);
    const auto e = death_of(pool.submit([] { ::_exit(7); }));
    BOOST_TEST(e.usage().peak_memory < bytes);
    BOOST_TEST(e.usage().peak_memory > 0u);
    BOOST_TEST(filled.back() == 'x');
}
