// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#define BOOST_TEST_MODULE scarcity
#define BOOST_TEST_NO_MAIN
#include <ferry/process_pool.hpp>

#include "helpers/file_limit.hpp"
#include "helpers/process_helpers.hpp"
#include "helpers/worker_main.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/wait.h>

using namespace std::chrono_literals;

// What a pool of worker processes does when the system gives it too little, and what it gives back.

namespace {

std::size_t sleep_over(const std::string& s) {
    sleeping_stubbornly(30'000);
    return s.size();
}

} // namespace

BOOST_AUTO_TEST_CASE(a_failed_future_may_outlive_the_pool_that_its_large_argument_went_to) {
    ferry::future<std::size_t> late;
    ferry::future<std::size_t> killed;
    {
        ferry::process_pool pool({.max_workers = 1, .kill_grace = 50ms});
        late = pool.submit({.timeout = 50ms}, sleep_over, std::string(1 << 20, 'x'));
        BOOST_CHECK_THROW(late.result(patience), ferry::timeout_error);
        killed = pool.submit(sleep_over, std::string(1 << 20, 'y'));
        wait_for_worker_of(killed, pool);
        pool.kill_workers();
    }
    BOOST_CHECK_THROW(killed.result(patience), ferry::worker_died);
    late = {};
    killed = {};
}

// UndefinedBehaviorSanitizer opens a pipe to look at an object, and takes it for an invalid one
// where it cannot.
#if !defined(__SANITIZE_ADDRESS__)
namespace {

std::size_t length(const std::string& s) { return s.size(); }

/// A large result in a worker process that has no descriptor left.
std::vector<char> without_descriptors() {
    static const file_limit for_good(100);
    while (::open("/dev/null", O_RDONLY | O_CLOEXEC) >= 0) {
    }
    return std::vector<char>(1 << 20, 'r');
}

std::size_t open_descriptors() {
    std::size_t n = 0;
    DIR* const all = ::opendir("/proc/self/fd");
    while (::readdir(all) != nullptr)
        ++n;
    ::closedir(all);
    return n - 3; // "." and ".." and the one that reads
}

} // namespace

BOOST_AUTO_TEST_CASE(a_shortage_of_descriptors_is_an_error_and_no_hang) {
    const std::size_t before = open_descriptors();
    bool failed = false;
    bool worked = false;
    for (std::size_t spare = 0; spare < 24; ++spare) {
        ferry::future<std::size_t> f;
        {
            const file_limit limit(open_descriptors() + spare);
            try {
                ferry::process_pool pool(1);
                f = pool.submit(length, std::string("four"));
                BOOST_TEST(f.wait_for(patience));
            } catch (const std::exception& e) {
                failed = true;
                BOOST_TEST(std::string(e.what()) != "");
                continue;
            }
        }
        if (const auto error = f.exception(0s)) {
            failed = true;
            BOOST_CHECK_THROW(std::rethrow_exception(error), ferry::broken_process_pool);
        } else {
            worked = true;
            BOOST_TEST(f.result() == 4u);
        }
    }
    BOOST_TEST(failed);
    BOOST_TEST(worked);
    BOOST_TEST(open_descriptors() == before);
    BOOST_TEST(::waitpid(-1, nullptr, WNOHANG) == -1); // no child is left
    BOOST_TEST(errno == ECHILD);
}

// A shortage that lasts that long; the time is what this is about.
BOOST_AUTO_TEST_CASE(a_short_shortage_breaks_no_pool) {
    ferry::process_pool pool(1);
    ferry::future<std::size_t> f;
    {
        const file_limit limit(open_descriptors() + 1);
        f = pool.submit(length, std::string("four"));
        std::this_thread::sleep_for(200ms);
    }
    BOOST_TEST(f.result(patience) == 4u);
    BOOST_TEST(open_descriptors() > 0u);
}

BOOST_AUTO_TEST_CASE(who_lives_does_the_work_of_those_that_cannot_be_started) {
    ferry::process_pool pool(2);
    const marker go;
    auto busy = pool.submit(
        [](const std::string& path) {
            while (!std::filesystem::exists(path))
                std::this_thread::sleep_for(1ms);
            return 1;
        },
        go.path());
    wait_for_worker_of(busy, pool);
    const file_limit limit(open_descriptors() + 1);
    std::vector<ferry::future<std::size_t>> others;
    for (int i = 0; i < 5; ++i)
        others.push_back(pool.submit(length, std::string("four")));
    std::this_thread::sleep_for(2500ms); // longer than what breaks a pool without workers
    touch(go.path());
    BOOST_TEST(busy.result(patience) == 1);
    for (auto& f : others)
        BOOST_TEST(f.result(patience) == 4u);
}

BOOST_AUTO_TEST_CASE(a_result_that_has_no_room_does_not_outlast_its_timeout) {
    ferry::process_pool pool(1);
    auto f = pool.submit({.timeout = 200ms}, without_descriptors);
    BOOST_CHECK_THROW(f.result(patience), ferry::timeout_error);
    BOOST_TEST(pool.submit(length, std::string("four")).result(patience) == 4u);
}

BOOST_AUTO_TEST_CASE(a_worker_that_has_no_room_for_a_result_for_long_is_replaced) {
    ferry::process_pool pool(1);
    auto f = pool.submit(without_descriptors);
    BOOST_CHECK_EXCEPTION(f.result(patience), ferry::worker_died, [](const auto& e) {
        return e.stderr_tail().find("no room for a result") != std::string::npos;
    });
    BOOST_TEST(pool.submit(length, std::string(1 << 20, 'x')).result(patience) == 1u << 20);
}
#endif

BOOST_AUTO_TEST_CASE(failed_starts_with_successes_between_break_no_pool) {
    const marker count;
    touch(count.path());
    ferry::process_pool pool({.max_workers = 1,
                              .initializer = {[](const std::string& path) {
                                                  std::ofstream(path, std::ios::app) << 'x';
                                                  if (std::filesystem::file_size(path) % 3 != 0)
                                                      ::_exit(1);
                                              },
                                              count.path()},
                              .max_tasks_per_child = 1});
    for (int i = 0; i < 4; ++i)
        BOOST_TEST(pool.submit([](int n) { return n; }, i).result(patience) == i);
}
