// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
// Processes that fork: in the middle of a pool's life, and inside a task.
#include <ferry/process_pool.hpp>

#define BOOST_TEST_MODULE copies
#define BOOST_TEST_NO_MAIN
#include "helpers/proc.hpp"
#include "helpers/process_helpers.hpp"
#include "helpers/worker_main.hpp"

#include <optional>
#include <stop_token>

#include <sys/wait.h>

using namespace std::chrono_literals;

namespace {

template <class F>
bool refused(F f) {
    try {
        f();
    } catch (const ferry::shutdown_error&) {
        return true;
    }
    return false;
}

int status_of(int child) {
    int status = -1;
    ::waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

} // namespace

BOOST_AUTO_TEST_CASE(a_child_of_fork_gets_an_error_and_disturbs_nothing) {
    std::optional<ferry::process_pool> pool(std::in_place, 1);
    const marker go;
    const auto wait_for_it = [](const std::string& path) {
        while (!std::filesystem::exists(path))
            std::this_thread::sleep_for(1ms);
        return 1;
    };
    for (int i = 0; i < 100; ++i) // so that some are handed out ahead
        pool->submit(triple, i).result(patience);
    auto running = pool->submit(wait_for_it, go.path());
    wait_for_worker_of(running, *pool);
    auto waiting = pool->submit(triple, 5);
    auto large =
        pool->submit([](const std::string& s) { return s.size(); }, std::string(100'000, 'x'));
    const int child = ::fork();
    if (child == 0) {
        int wrong = 0;
        wrong += refused([&] { pool->submit(triple, 1); }) ? 0 : 1;
        wrong += refused([&] { static_cast<void>(pool->stats()); }) ? 0 : 2;
        wrong += refused([&] { pool->shutdown(); }) ? 0 : 4;
        wrong += refused([&] { pool->shutdown(1s); }) ? 0 : 8;
        wrong += refused([&] { pool->kill_workers(); }) ? 0 : 16;
        waiting.cancel();
        large.cancel();
        running.cancel();
        running.request_stop();
        waiting = {};
        large = {};
        pool.reset();
        ::_exit(wrong);
    }
    BOOST_TEST(status_of(child) == 0);
    touch(go.path());
    BOOST_TEST(running.result(patience) == 1);
    BOOST_TEST(waiting.result(patience) == 15);
    BOOST_TEST(large.result(patience) == 100'000u);
    BOOST_TEST(pool->submit(triple, 14).result(patience) == 42);
}

BOOST_AUTO_TEST_CASE(a_copy_of_a_worker_that_comes_back_from_the_task_answers_nothing) {
    ferry::process_pool pool(1);
    for (int i = 0; i < 3; ++i) {
        const int answer = pool.submit([] {
                                   const int child = ::fork();
                                   if (child == 0)
                                       return -1;
                                   int status = -1;
                                   ::waitpid(child, &status, 0);
                                   return WIFEXITED(status) ? WEXITSTATUS(status) : -2;
                               })
                               .result(patience);
        BOOST_TEST(answer == 0);
        BOOST_TEST(pool.submit(triple, i).result(patience) == 3 * i);
    }
}

BOOST_AUTO_TEST_CASE(what_a_task_leaves_behind_may_write_to_its_standard_error) {
    const marker go, wrote;
    {
        ferry::process_pool pool(1);
        pool.submit(
                [](const std::string& wait_for, const std::string& tell) {
                    if (::fork() != 0)
                        return;
                    ::setsid();
                    while (::access(wait_for.c_str(), F_OK) != 0)
                        ::usleep(1000);
                    static_cast<void>(::write(2, "left behind\n", 12) < 0); // would die of SIGPIPE
                    touch(tell);
                    ::_exit(0);
                },
                go.path(), wrote.path())
            .result(patience);
    }
    touch(go.path());
    BOOST_TEST(eventually([&] { return wrote.touched(); }));
}
