// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
// Threads cannot be started: whoever asked gets an error or what they asked for, and afterwards all
// works.
#include <ferry/process_pool.hpp>

#define BOOST_TEST_MODULE process_thread_shortage
#define BOOST_TEST_NO_MAIN
#include "helpers/failing_call.hpp"
#include "helpers/process_helpers.hpp"
#include "helpers/worker_main.hpp"

#include <atomic>
#include <cerrno>

#include <pthread.h>

using namespace std::chrono_literals;

extern "C" int pthread_create(pthread_t* thread, const pthread_attr_t* attributes,
                              void* (*start)(void*), void* argument) noexcept {
    if (failing_call::is_due())
        return EAGAIN;
    static const auto real =
        failing_call::real<int(pthread_t*, const pthread_attr_t*, void* (*)(void*), void*)>(
            "pthread_create");
    return real(thread, attributes, start, argument);
}

namespace {

std::vector<char> letters(std::size_t n) { return std::vector<char>(n, 'r'); }

/// The future, if there is one, ends, and its callback is called once.
template <class T, class... A>
void submit_and_wait(ferry::process_pool& pool, std::atomic<int>& due, const T& value, A&&... a) {
    try {
        auto f = pool.submit(std::forward<A>(a)...);
        ++due;
        f.add_done_callback([&due](auto&&) { --due; });
        BOOST_TEST_REQUIRE(f.wait_for(patience));
        BOOST_TEST((f.result() == value));
    } catch (const std::exception& e) {
        BOOST_TEST(std::string(e.what()) != "");
    }
}

} // namespace

BOOST_AUTO_TEST_CASE(of_a_pool_from_its_first_task_on) {
    bool failed = false;
    for (const bool lasting : {false, true}) {
        for (long n = 0; n < 7; ++n) {
            BOOST_TEST_CONTEXT("after " << n << " starts" << (lasting ? ", for a while" : "")) {
                std::atomic<int> due = 0;
                {
                    ferry::process_pool pool({.max_workers = 1, .kill_grace = 100ms});
                    {
                        const failing_call::shortage now(n, lasting);
                        submit_and_wait(pool, due, 6, triple, 2);
                        submit_and_wait(pool, due, std::vector<char>(100'000, 'r'), letters,
                                        std::size_t(100'000));
                        submit_and_wait(pool, due, 9, ferry::task_options{.timeout = patience},
                                        triple, 3);
                    }
                    BOOST_TEST(pool.submit(triple, 14).result(patience) == 42);
                    failed = failed || failing_call::failed;
                }
                BOOST_TEST(due == 0);
            }
        }
    }
    BOOST_TEST(failed);
}
