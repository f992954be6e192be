// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include <ferry/ferry.hpp>
#include <ferry/process.hpp>

#define BOOST_TEST_MODULE stacktrace
#define BOOST_TEST_NO_MAIN
#include "helpers/process_helpers.hpp"
#include "helpers/worker_main.hpp"

#include <cassert>
#include <csignal>
#include <cstdlib>
#include <sstream>
#include <string>
#include <sys/mman.h>

volatile int zero = 0;

[[gnu::noinline]] int reads_nowhere(int* at) { return *at + 1; }
[[gnu::noinline]] int divides(int n) { return n / zero; }
[[gnu::noinline]] int recurses(int n) {
    volatile char room[4096];
    room[0] = static_cast<char>(n);
    return zero == 0 ? recurses(n + 1) + room[0] : 0;
}
[[gnu::noinline]] int never_throws(int n) noexcept { return std::stoi("no number") + n; }
[[gnu::noinline]] int reads_behind_the_end(const char* at) { return at[4096]; }

namespace {

int segv() { return reads_nowhere(nullptr); }
int fpe() { return divides(1); }
int overflow() { return recurses(0); }
int terminate() { return never_throws(1); }
int abort_() { std::abort(); }
int bus() {
    const int file = ::memfd_create("short", MFD_CLOEXEC);
    static_cast<void>(::ftruncate(file, 4096));
    void* const at = ::mmap(nullptr, 8192, PROT_READ, MAP_SHARED, file, 0);
    return reads_behind_the_end(static_cast<const char*>(at));
}
int adds(int a, int b) { return a + b; }

struct death {
    int signal = 0;
    std::string text;
    std::vector<ferry::stack_frame> frames;
};

template <class F>
death death_of(ferry::process_pool& pool, F f) {
    try {
        pool.submit(f).result();
    } catch (const ferry::worker_died& e) {
        return {e.signal().value_or(0), e.what(), e.stacktrace()};
    }
    return {};
}

bool names(const death& d, const std::string& function) {
    for (const auto& f : d.frames) {
        if (f.symbol.find(function) != std::string::npos)
            return true;
    }
    BOOST_TEST_MESSAGE(d.text);
    return false;
}

} // namespace

BOOST_AUTO_TEST_CASE(each_fatal_signal_is_told_with_the_function_it_came_from) {
    ferry::process_pool pool(1);
    struct {
        int (*task)();
        int signal;
        const char* function;
    } const cases[] = {{segv, SIGSEGV, "reads_nowhere(int*)"},
                       {bus, SIGBUS, "reads_behind_the_end(char const*)"},
                       {fpe, SIGFPE, "divides(int)"},
                       {overflow, SIGSEGV, "recurses(int)"},
                       {terminate, SIGABRT, "never_throws(int)"},
                       {abort_, SIGABRT, "abort"}};
    for (const auto& c : cases) {
        const death d = death_of(pool, c.task);
        BOOST_TEST(d.signal == c.signal);
        BOOST_TEST(names(d, c.function));
        BOOST_TEST(d.text.find(c.function) != std::string::npos);
        BOOST_TEST(pool.submit(adds, 1, 2).result() == 3);
    }
}

BOOST_AUTO_TEST_CASE(frames_can_be_printed_and_name_their_module) {
    ferry::process_pool pool(1);
    const death d = death_of(pool, segv);
    BOOST_REQUIRE(!d.frames.empty());
    std::ostringstream out;
    out << d.frames.front();
    BOOST_TEST(out.str().find("reads_nowhere(int*) at ") == 0u);
    BOOST_TEST(d.frames.front().module.find("test_stacktrace") != std::string::npos);
    BOOST_TEST(d.frames.front().offset != 0u);
}

BOOST_AUTO_TEST_CASE(other_deaths_have_no_frames) {
    ferry::process_pool pool(1);
    BOOST_TEST(death_of(pool, [] { return ::raise(SIGKILL); }).frames.empty());
    BOOST_TEST(death_of(pool, [] {
                   ::_exit(3);
                   return 0;
               }).frames.empty());
    BOOST_TEST(death_of(pool, [] {
                   ::signal(SIGSEGV, [](int) { ::signal(SIGSEGV, SIG_DFL); });
                   return reads_nowhere(nullptr);
               }).frames.empty());
    BOOST_TEST(death_of(pool, [] {
                   ::signal(SIGSEGV, [](int) { ::_exit(9); });
                   return reads_nowhere(nullptr);
               }).frames.empty());
}
