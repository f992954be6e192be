// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
// Where a task can go wrong on its way to a worker and back, and how: exactly the guilty future
// fails.
#include <ferry/process.hpp>

#include <ferry/ferry.hpp>

#define BOOST_TEST_MODULE crash_matrix
#define BOOST_TEST_NO_MAIN
#include "helpers/crashed.hpp"
#include "helpers/proc.hpp"
#include "helpers/process_helpers.hpp"
#include "helpers/sanitized.hpp"
#include "helpers/worker_main.hpp"

#include <cerrno>
#include <cstdlib>
#include <exception>
#include <random>
#include <stdexcept>
#include <system_error>
#include <vector>

#include <fcntl.h>
#include <sys/wait.h>

using namespace std::chrono_literals;

namespace {

constexpr bool sanitized = FERRY_SANITIZED;

// Set before main(), where the worker still has the variable.
const bool in_worker = std::getenv("FERRY_WORKER") != nullptr;

enum class where {
    nowhere,
    encode_argument,
    decode_argument,
    in_the_call,
    encode_result,
    decode_result,
    in_a_destructor
};
enum class how {
    throw_exception,
    throw_int,
    exit,
    abort,
    segv,
    kill,
    stop,
    terminate,
    overflow_stack,
    exceed_limit,
    violate_sandbox
};

constexpr const char* where_names[] = {"nowhere",        "encode argument", "decode argument",
                                       "in the call",    "encode result",   "decode result",
                                       "in a destructor"};
constexpr const char* how_names[] = {"throw",
                                     "throw int",
                                     "exit",
                                     "abort",
                                     "segv",
                                     "kill",
                                     "stop",
                                     "terminate",
                                     "overflow",
                                     "exceed a limit",
                                     "violate the sandbox"};

volatile int bottom = 0;
[[gnu::noinline]] int go_deeper(int n) {
    volatile char room[4096];
    room[0] = static_cast<char>(n);
    return bottom == 0 ? go_deeper(n + 1) + room[0] : 0;
}

[[gnu::noinline]] void go_off(how h) {
    switch (h) {
    case how::throw_exception: throw std::out_of_range("boom");
    case how::throw_int: throw 42;
    case how::exit: std::exit(7);
    case how::abort: std::abort();
    case how::segv: ::raise(SIGSEGV); break;
    case how::kill: ::raise(SIGKILL); break;
    case how::stop: ::raise(SIGSTOP); break;
    case how::terminate: std::terminate();
    case how::overflow_stack: go_deeper(0); break;
    case how::exceed_limit:
        while (bottom == 0) {
        }
        break;
    case how::violate_sandbox:
        if (::open("/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600) < 0)
            throw std::system_error(errno, std::generic_category(), "open");
        break;
    }
}

/// Goes off at one place of its journey.
struct bomb {
    where at = where::nowhere;
    how by = how::throw_exception;
    bool is_result = false;
    std::string load_;
    mutable bool encoded = false;

    bomb() = default;
    bomb(where a, how b, std::size_t size) : at(a), by(b), load_(size, 'x') {}
    bomb(const bomb&) = default;
    bomb& operator=(const bomb&) = default;
    ~bomb() {
        if (in_worker && encoded && at == where::in_a_destructor)
            go_off(by); // what it throws ends the process
    }

    template <class Archive>
    void save(Archive& ar) const {
        ar(at, by, is_result, load_);
        encoded = true;
        if (at == (is_result ? where::encode_result : where::encode_argument))
            go_off(by);
    }
    template <class Archive>
    void load(Archive& ar) {
        ar(at, by, is_result, load_);
        if (at == (is_result ? where::decode_result : where::decode_argument))
            go_off(by);
    }
};

bomb carry(bomb b) {
    if (b.at == where::in_the_call)
        go_off(b.by);
    b.is_result = true;
    return b;
}

bool only_throws(where at) { return at == where::encode_argument || at == where::decode_result; }

/// What the guilty future's outcome must be.
void check_outcome(ferry::future<bomb>& f, where at, how by) {
    const bool throws =
        by == how::throw_exception || by == how::throw_int || by == how::violate_sandbox;
    try {
        static_cast<void>(f.result(patience));
        BOOST_ERROR("a value");
    } catch (const std::out_of_range& e) {
        BOOST_TEST((throws && by == how::throw_exception));
        BOOST_TEST(std::string(e.what()) == "boom");
    } catch (int n) { // thrown in this process
        BOOST_TEST((by == how::throw_int && only_throws(at) && n == 42));
    } catch (const ferry::remote_error& e) {
        BOOST_TEST((by == how::throw_int));
        BOOST_TEST(e.type_name() == "int");
        BOOST_TEST(std::string(e.what()) == "42");
    } catch (const ferry::timeout_error&) {
        BOOST_TEST((by == how::stop));
    } catch (const ferry::resource_limit_error& e) {
        BOOST_TEST((by == how::exceed_limit));
        BOOST_TEST(e.label() == "guilty");
        BOOST_TEST(std::string(e.what()).find("limits.cpu_time") != std::string::npos);
    } catch (const std::system_error& e) {
        BOOST_TEST((by == how::violate_sandbox && at != where::in_a_destructor));
        BOOST_TEST((e.code() == std::errc::permission_denied));
    } catch (const ferry::worker_died& e) {
        BOOST_TEST(std::string(e.what()).find("guilty") != std::string::npos);
        BOOST_TEST(e.label() == "guilty");
        BOOST_TEST(e.pid() > 0);
        const auto signal = e.signal().value_or(0);
        if (throws)
            BOOST_TEST((at == where::in_a_destructor && signal == SIGABRT));
        else if (by == how::exit)
            BOOST_TEST((e.exit_code() == 7));
        else
            BOOST_TEST(crashed_by(e, by == how::abort || by == how::terminate       ? SIGABRT
                                     : by == how::segv || by == how::overflow_stack ? SIGSEGV
                                                                                    : SIGKILL));
    }
}

void round_of(where at, how by, std::size_t workers, std::size_t size) {
    BOOST_TEST_CONTEXT(where_names[static_cast<int>(at)] << ", " << how_names[static_cast<int>(by)]
                                                         << ", " << workers << " workers, " << size
                                                         << " bytes") {
        ferry::process_pool_options with{.max_workers = workers, .kill_grace = 50ms};
        if (by == how::exceed_limit)
            with.limits.cpu_time = sanitized ? 2s : 500ms;
        if (by == how::violate_sandbox)
            with.sandbox = ferry::sandbox::read_only | ferry::sandbox::no_network;
        ferry::process_pool pool(std::move(with));
        std::vector<ferry::future<int>> innocent;
        for (int i = 0; i < 4; ++i)
            innocent.push_back(pool.submit(triple, i));
        ferry::task_options options{.label = "guilty"};
        if (by == how::stop)
            options.timeout = size > 1000 ? 300ms : 100ms; // it would be over by then otherwise
        auto guilty = pool.submit(options, carry, bomb(at, by, size));
        for (int i = 4; i < 12; ++i)
            innocent.push_back(pool.submit(triple, i));
        check_outcome(guilty, at, by);
        for (int i = 0; i < 12; ++i)
            BOOST_TEST(innocent[static_cast<std::size_t>(i)].result(patience) == 3 * i);
        BOOST_TEST(
            pool.submit(carry, bomb(where::nowhere, by, size)).result(patience).load_.size() ==
            size);
    }
    BOOST_TEST(::waitpid(-1, nullptr, WNOHANG) <= 0); // no child is left
}

void matrix(std::size_t workers, std::size_t size, std::initializer_list<how> ways) {
    ferry::process_pool(1).submit(triple, 1).result(patience); // opens what stays open in a process
    const auto before = open_files();
    for (const where at : {where::encode_argument, where::decode_argument, where::in_the_call,
                           where::encode_result, where::decode_result, where::in_a_destructor}) {
        for (const how by : ways) {
            if (only_throws(at) && by != how::throw_exception && by != how::throw_int)
                continue; // it would end this process, as asked
            round_of(at, by, workers, size);
        }
    }
    BOOST_TEST(open_files() == before);
}

} // namespace

// CF-BRK-03, -09, -10, -11, -13, -16, -29, CF-PP-28, -29, -43
BOOST_AUTO_TEST_CASE(small_payload_one_worker) {
    matrix(1, 10,
           {how::throw_exception, how::throw_int, how::exit, how::abort, how::segv, how::kill,
            how::stop});
}
BOOST_AUTO_TEST_CASE(small_payload_three_workers) {
    matrix(3, 10,
           {how::throw_exception, how::throw_int, how::exit, how::abort, how::segv, how::kill,
            how::stop});
}
BOOST_AUTO_TEST_CASE(limits_sandboxes_overflows_and_terminate) {
    const auto all = {how::terminate, how::overflow_stack, how::exceed_limit, how::violate_sandbox};
    matrix(1, 10, all);
    matrix(2, 1u << 20, all);
}
BOOST_AUTO_TEST_CASE(large_payload_one_worker) {
    matrix(1, sanitized ? 1u << 20 : 64u << 20,
           {how::throw_exception, how::throw_int, how::exit, how::abort, how::segv, how::kill});
}
BOOST_AUTO_TEST_CASE(large_payload_two_workers_that_stop_answering) {
    matrix(2, sanitized ? 1u << 20 : 64u << 20, {how::stop});
}

BOOST_AUTO_TEST_CASE(twenty_deaths_in_a_row) { // CF-BRK-04
    ferry::process_pool pool(1);
    auto delivered = pool.submit(triple, 1);
    delivered.result();
    const marker go;
    auto busy = pool.submit(when_touched, go.path());
    auto cancelled = pool.submit(triple, 2);
    BOOST_TEST(cancelled.cancel());
    touch(go.path());
    for (int i = 0; i < 20; ++i)
        BOOST_CHECK_THROW(pool.submit([] { ::_exit(0); }).result(patience), ferry::worker_died);
    BOOST_TEST(delivered.result() == 3);
    BOOST_TEST(cancelled.cancelled());
    BOOST_TEST(pool.submit(triple, 3).result(patience) == 9);
}

BOOST_AUTO_TEST_CASE(the_error_tells_the_last_of_the_standard_error) { // CF-BRK-03, CF-PP-39
    ferry::process_pool pool(1);
    auto f = pool.submit([] {
        std::fputs("about to fail on purpose\n", stderr);
        std::abort();
    });
    try {
        f.result(patience);
        BOOST_ERROR("expected worker_died");
    } catch (const ferry::broken_process_pool& base) { // CF-BRK-28
        const auto& e = dynamic_cast<const ferry::worker_died&>(base);
        BOOST_TEST(e.stderr_tail() == "about to fail on purpose\n");
        BOOST_TEST((e.signal() == SIGABRT));
        BOOST_TEST((e.code() == ferry::condition::broken));
    }
}

BOOST_AUTO_TEST_CASE(a_worker_that_dies_idle_is_replaced_in_silence) {
    ferry::process_pool pool(1);
    for (int i = 0; i < 20; ++i) {
        const int pid = pool.submit([] { return static_cast<int>(::getpid()); }).result(patience);
        ::kill(pid, SIGKILL);
    }
    BOOST_TEST(pool.stats().failed == 0u);
    BOOST_TEST(pool.submit(triple, 1).result(patience) == 3);
}

BOOST_AUTO_TEST_CASE(a_thread_that_a_task_ends_does_not_hang_the_pool) {
    ferry::process_pool pool(1);
    auto f = pool.submit([] { ::pthread_exit(nullptr); });
    BOOST_CHECK_THROW(f.result(patience), ferry::worker_died);
    BOOST_TEST(pool.submit(triple, 1).result(patience) == 3);
}

BOOST_AUTO_TEST_CASE(a_task_that_closes_every_descriptor_does_not_hang_the_pool) {
    ferry::process_pool pool(1);
    auto f = pool.submit([] {
        for (int fd = 3; fd < 1024; ++fd)
            ::close(fd);
        ::usleep(20'000); // until the pool has fallen asleep
        return 1;
    });
    try {
        static_cast<void>(f.result(patience));
    } catch (const ferry::worker_died&) {
    }
    BOOST_TEST(f.done());
    BOOST_TEST(pool.submit(triple, 1).result(patience) == 3);
}

BOOST_AUTO_TEST_CASE(workers_killed_at_random_moments_lose_nothing) {
    std::mt19937 random(7);
    ferry::process_pool pool(2);
    int died = 0;
    constexpr int rounds = sanitized ? 100 : 1000;
    for (int round = 0; round < rounds; ++round) {
        auto pid = pool.submit([] { return static_cast<int>(::getpid()); });
        std::vector<ferry::future<int>> all;
        for (int i = 0; i < 8; ++i)
            all.push_back(pool.submit(triple, i));
        auto big = pool.submit([](std::string s) { return s; }, std::string(70'000, 'x'));
        try {
            const int victim = pid.result(patience);
            for (auto spin = random() % 20'000; spin != 0; --spin)
                static_cast<void>(pool.max_workers());
            ::kill(victim, SIGKILL);
        } catch (const ferry::worker_died&) {
            ++died;
        }
        for (int i = 0; i < 8; ++i) {
            auto& f = all[static_cast<std::size_t>(i)];
            try {
                if (f.result(patience) != 3 * i)
                    BOOST_ERROR("a wrong result");
            } catch (const ferry::worker_died&) {
                ++died;
            }
        }
        try {
            if (big.result(patience).size() != 70'000)
                BOOST_ERROR("a wrong result");
        } catch (const ferry::worker_died&) {
            ++died;
        }
    }
    BOOST_TEST_MESSAGE(died << " tasks died with their workers");
    BOOST_TEST(died < rounds * 2);
    pool.shutdown();
    BOOST_TEST(::waitpid(-1, nullptr, WNOHANG) <= 0);
}

BOOST_AUTO_TEST_CASE(ending_the_workers_while_a_large_argument_is_on_its_way_returns) { // CF-DLK-07
    for (int round = 0; round < 10; ++round) {
        ferry::process_pool pool(1);
        auto f = pool.submit([](std::string s) { return s; }, std::string(8 << 20, 'x'));
        pool.kill_workers();
        BOOST_TEST(f.done());
    }
}

BOOST_AUTO_TEST_CASE(what_could_not_be_sent_fails_also_when_shutdown_does_not_wait) { // CF-DLK-01
    const auto threads = threads_named("");
    ferry::future<bomb> f;
    {
        ferry::process_pool pool(1);
        f = pool.submit(carry, bomb(where::encode_argument, how::throw_exception, 10));
        pool.shutdown({.wait = false});
        BOOST_CHECK_THROW(f.result(patience), std::out_of_range);
    }
    BOOST_TEST(eventually([&] { return threads_named("") <= threads; }));
}
