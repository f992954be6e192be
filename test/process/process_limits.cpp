// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include <ferry/ferry.hpp>
#include <ferry/process.hpp>

#define BOOST_TEST_MODULE process_limits
#define BOOST_TEST_NO_MAIN
#include "helpers/process_helpers.hpp"
#include "helpers/sanitized.hpp"
#include "helpers/worker_main.hpp"

#include <cerrno>
#include <csignal>
#include <ctime>
#include <fcntl.h>
#include <new>
#include <stdexcept>
#include <string>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>
#include <vector>

using namespace std::chrono_literals;

namespace {

constexpr std::size_t mebibyte = std::size_t(1) << 20;

// Takes memory and keeps it; ends by itself only after a minute.
int takes(std::size_t bytes) {
    std::vector<char> all(bytes, 'x');
    for (int i = 0; i != 6000; ++i) {
        for (std::size_t at = 0; at < all.size(); at += 4096)
            all[at] = static_cast<char>(i);
        std::this_thread::sleep_for(10ms);
    }
    return all[0];
}
int spins() {
    const auto until = std::chrono::steady_clock::now() + 1min;
    volatile int n = 0;
    while (std::chrono::steady_clock::now() < until)
        n = n + 1;
    return n;
}
[[maybe_unused]] int asks_for_too_much() {
    // Whatever the machine has, it has not that; and no compiler may know it before.
    volatile std::size_t much = std::size_t(1) << 46;
    std::unique_ptr<char[]> all(new char[much]);
    return all[much - 1];
}
[[maybe_unused]] int asks_for_nonsense(int n) { return std::unique_ptr<int[]>(new int[n])[0]; }
std::size_t writes(const std::string& path, std::size_t bytes) {
    const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    const std::string some(4096, 'x');
    std::size_t done = 0;
    while (done < bytes) {
        const ssize_t n = ::write(file, some.data(), some.size());
        if (n <= 0)
            break;
        done += static_cast<std::size_t>(n);
    }
    ::close(file);
    return done;
}
// How many it can open, and the error of the next one.
std::pair<int, int> opens() {
    std::vector<int> files;
    int error = 0;
    for (int i = 0; i != 5000; ++i) {
        const int file = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
        if (file < 0) {
            error = errno;
            break;
        }
        files.push_back(file);
    }
    const int n = static_cast<int>(files.size());
    for (const int file : files)
        ::close(file);
    return {n, error};
}
// Answers with something large while no file can be opened.
std::string answers_without_descriptors(const std::string& text) {
    while (::open("/dev/null", O_RDONLY | O_CLOEXEC) >= 0) {
    }
    return text + text;
}
std::pair<int, int> forks() {
    const int child = ::fork();
    if (child == 0)
        ::_exit(0);
    const int error = errno;
    if (child > 0)
        ::waitpid(child, nullptr, 0);
    return {child > 0 ? 1 : 0, error};
}
int starts_a_thread() {
    int n = 0;
    std::thread([&n] { n = 5; }).join();
    return n;
}
std::chrono::nanoseconds computed() {
    timespec t{};
    ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return std::chrono::seconds(t.tv_sec) + std::chrono::nanoseconds(t.tv_nsec);
}
int computes(int ms) {
    for (const auto end = computed() + std::chrono::milliseconds(ms); computed() < end;) {
    }
    return ::getpid();
}
int adds(int a, int b) { return a + b; }

bool says(const ferry::resource_limit_error& e, std::initializer_list<const char*> parts) {
    const std::string text = e.what();
    for (const char* const part : parts) {
        if (text.find(part) == std::string::npos) {
            BOOST_TEST_MESSAGE(text << " does not say " << part);
            return false;
        }
    }
    return true;
}

template <class T>
std::string limit_error(ferry::future<T> f, std::initializer_list<const char*> parts) {
    try {
        f.result();
    } catch (const ferry::resource_limit_error& e) {
        BOOST_TEST(e.pid() > 0);
        BOOST_TEST((e.code() == ferry::errc::resource_limit));
        BOOST_TEST((e.code() == ferry::condition::broken));
        return says(e, parts) ? "" : "another text";
    } catch (const std::exception& e) {
        return e.what();
    }
    return "no error";
}

} // namespace

BOOST_AUTO_TEST_CASE(a_call_that_takes_more_memory_than_allowed_ends_with_its_worker) {
    ferry::process_pool pool(
        {.max_workers = 1, .limits = {.memory = (FERRY_SANITIZED ? 1024 : 128) * mebibyte}});
    BOOST_TEST(pool.submit(adds, 1, 2).result() == 3);
    ferry::task_options options{.label = "hungry"};
    auto f = pool.submit(options, takes, (FERRY_SANITIZED ? 1536 : 256) * mebibyte);
    BOOST_TEST(limit_error(f, {"hungry", "limits.memory", "allowed", "used"}) == "");
    BOOST_TEST(pool.submit(adds, 1, 2).result() == 3);
    BOOST_TEST(pool.stats().failed == 1u);
}

#if !FERRY_SANITIZED // they end the process themselves
BOOST_AUTO_TEST_CASE(so_does_one_that_the_system_refuses_memory) {
    ferry::process_pool limited({.max_workers = 1, .limits = {.memory = 512 * mebibyte}});
    BOOST_TEST(limit_error(limited.submit(asks_for_too_much), {"limits.memory", "refused"}) == "");
    const std::vector<int> inputs{1, 2};
    auto chunk = limited.map({.chunksize = 2}, [](int) { return asks_for_too_much(); }, inputs);
    BOOST_CHECK_THROW(*chunk.begin(), ferry::resource_limit_error);
    BOOST_CHECK_THROW(limited.submit(asks_for_nonsense, -1).result(), std::bad_array_new_length);
    ferry::process_pool unlimited(1);
    BOOST_CHECK_THROW(unlimited.submit(asks_for_too_much).result(), std::bad_alloc);
}
#endif

BOOST_AUTO_TEST_CASE(a_call_that_computes_longer_than_allowed_ends_with_its_worker) {
    ferry::process_pool pool({.max_workers = 1, .limits = {.cpu_time = 100ms}});
    for (int round = 0; round != 2; ++round)
        BOOST_TEST(limit_error(pool.submit(spins), {"limits.cpu_time", "100ms"}) == "");
    BOOST_TEST(pool.submit(adds, 1, 2).result() == 3);
}

BOOST_AUTO_TEST_CASE(sleeping_is_no_computing_and_earlier_calls_do_not_count) {
    ferry::process_pool pool({.max_workers = 1, .limits = {.cpu_time = 2s}});
    const int worker = pool.submit(sleeping, 200).result();
    for (int i = 0; i != 3; ++i)
        BOOST_TEST(pool.submit(computes, 800).result() == worker);
}

BOOST_AUTO_TEST_CASE(a_call_that_writes_too_large_a_file_ends_with_its_worker) {
    ferry::process_pool pool({.max_workers = 1, .limits = {.file_size = 100'000}});
    const marker small;
    BOOST_TEST(pool.submit(writes, small.path(), std::size_t(90'000)).result() >= 90'000u);
    const marker large;
    BOOST_TEST(limit_error(pool.submit(writes, large.path(), std::size_t(200'000)),
                           {"limits.file_size", "100000"}) == "");
    BOOST_TEST(std::filesystem::file_size(large.path()) <= 100'000u);
    // What the worker writes for itself is not the call's.
    const std::string text(300'000, 'a');
    BOOST_TEST(
        (pool.submit([](const std::string& t) { return t + t; }, text).result() == text + text));
}

BOOST_AUTO_TEST_CASE(without_a_limit_the_same_signal_is_a_death_like_any_other) {
    ferry::process_pool pool(1);
    auto f = pool.submit([] { return ::raise(SIGXFSZ); });
    try {
        f.result();
        BOOST_ERROR("no error");
    } catch (const ferry::worker_died& e) {
        BOOST_TEST((e.code() == ferry::errc::worker_died));
        BOOST_TEST((e.signal() == SIGXFSZ));
    }
}

BOOST_AUTO_TEST_CASE(open_files_make_only_the_call_s_own_open_fail) {
    ferry::process_pool pool({.max_workers = 1, .limits = {.open_files = 32}});
    const auto [count, error] = pool.submit(opens).result();
    BOOST_TEST(count < 32);
    BOOST_TEST(error == EMFILE);
    const std::string text(500'000, 'b');
    BOOST_TEST((pool.submit(answers_without_descriptors, text).result() == text + text));
    // And what is handed to it after that: larger, so in a mapping of its own.
    const std::string more(2'000'000, 'c');
    BOOST_TEST((pool.submit(answers_without_descriptors, more).result() == more + more));
}

BOOST_AUTO_TEST_CASE(some_processes_need_a_control_group) {
    ferry::process_pool_options options{.max_workers = 1, .limits = {.processes = 2}};
    const auto starts = [](int n) {
        std::vector<int> children;
        for (int i = 0; i != n; ++i) {
            if (const int child = ::fork(); child == 0) {
                ::pause();
                ::_exit(0);
            } else if (child > 0) {
                children.push_back(child);
            }
        }
        for (const int child : children) {
            ::kill(child, SIGKILL);
            ::waitpid(child, nullptr, 0);
        }
        return children.size();
    };
    try {
        ferry::process_pool pool(options);
        const std::size_t count = pool.submit(starts, 5).result();
        BOOST_TEST(count <= 2u);
        BOOST_TEST(count >= (FERRY_SANITIZED ? 1u : 2u)); // which may have a thread in each process
        BOOST_TEST(pool.submit(starts, 1).result() == 1u);
    } catch (const ferry::sandbox_error& e) { // where there is none
        BOOST_TEST(std::string(e.what()).find("limits.processes") != std::string::npos);
    }
}

BOOST_AUTO_TEST_CASE(no_processes_still_allows_threads) {
    ferry::process_pool pool({.max_workers = 1, .limits = {.processes = 0}});
    const auto [started, error] = pool.submit(forks).result();
    BOOST_TEST(started == 0);
    BOOST_TEST(error == EPERM);
    BOOST_TEST(pool.submit(starts_a_thread).result() == 5);
    ferry::process_pool unlimited(1);
    BOOST_TEST(unlimited.submit(forks).result().first == 1);
}
