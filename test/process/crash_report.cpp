// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
// The handler in a child of fork(), and the report in its parent, which share a record.
#include "process/crash_report.hpp"
#include "process/crash_handler.hpp"

#define BOOST_TEST_MODULE crash_report
#include <boost/test/unit_test.hpp>

#include <array>
#include <csignal>
#include <cstdlib>
#include <exception>
#include <new>
#include <sstream>
#include <string>
#include <sys/mman.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

namespace {

using namespace ferry::detail;
using ferry::stack_frame;

volatile int zero = 0;

} // namespace

// Outside of the unnamed namespace and not inlined, so that their names are known.
[[gnu::noinline]] int crashes_in_a_function(int* at) { return *at + 1; }
[[gnu::noinline]] int divides_by_zero() { return 5 / zero; }
[[gnu::noinline]] int overflows_its_stack(int n) {
    volatile char room[4096];
    room[0] = static_cast<char>(n);
    return zero == 0 ? overflows_its_stack(n + 1) + room[0] : 0;
}
// While it crashes, the way out of its frame is an expression that jumps back to its own start, so
// the unwinder never comes back.
[[gnu::noinline]] int crashes_without_a_way_out(const volatile int* at) {
    asm volatile(
        ".cfi_remember_state\n\t"
        ".cfi_escape 0x0f, 0x03, 0x2f, 0xfd, 0xff"); // DW_CFA_def_cfa_expression, DW_OP_skip
    const int value = *at;
    asm volatile(".cfi_restore_state");
    return value;
}
[[gnu::noinline]] int terminates(int n) noexcept { return std::stoi("no number") + n; }

namespace {

struct ending {
    std::vector<stack_frame> frames;
    int signal = 0;
    int exit_code = -1;
};

// Runs it in a child with the handler; what the child wrote down about how it died.
template <class Before, class F>
ending crash(Before before, F f) {
    void* const memory = ::mmap(nullptr, sizeof(crash_record), PROT_READ | PROT_WRITE,
                                MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    BOOST_REQUIRE(memory != MAP_FAILED);
    auto* const record = new (memory) crash_record;
    const int child = ::fork();
    BOOST_REQUIRE(child >= 0);
    if (child == 0) {
        for (const int s : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGALRM})
            ::signal(s, SIG_DFL); // not the test framework's
        before();
        install_crash_handler(*record);
        note_running_task(7);
        f();
        ::_exit(3);
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    ending e;
    e.signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
    e.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    e.frames = frames_of(*record, e.signal, 7, {});
    BOOST_TEST(frames_of(*record, e.signal, 8, {}).empty());        // another task
    BOOST_TEST(frames_of(*record, e.signal + 1000, 7, {}).empty()); // another signal
    ::munmap(memory, sizeof(crash_record));
    return e;
}
template <class F>
ending crash(F f) {
    return crash([] {}, f);
}

bool has_symbol(const ending& e, const std::string& name) {
    for (const auto& f : e.frames) {
        if (f.symbol.find(name) != std::string::npos)
            return true;
    }
    for (const auto& f : e.frames)
        BOOST_TEST_MESSAGE("a frame: " << f);
    return false;
}

} // namespace

BOOST_AUTO_TEST_CASE(a_bad_pointer_is_told_with_the_function_that_used_it_first) {
    const auto e = crash([] { crashes_in_a_function(nullptr); });
    BOOST_TEST(e.signal == SIGSEGV);
    BOOST_REQUIRE(!e.frames.empty());
    BOOST_TEST(e.frames.front().symbol == "crashes_in_a_function(int*)");
    BOOST_TEST(e.frames.front().module.find("test_crash_report") != std::string::npos);
    BOOST_TEST(has_symbol(e, "main"));
}

BOOST_AUTO_TEST_CASE(so_are_other_faults_of_an_instruction) {
    const auto e = crash([] { divides_by_zero(); });
    BOOST_TEST(e.signal == SIGFPE);
    BOOST_TEST(has_symbol(e, "divides_by_zero()"));
    BOOST_TEST(crash([] { __builtin_trap(); }).signal != 0);
}

BOOST_AUTO_TEST_CASE(abort_and_terminate_are_told_with_their_callers) {
    const auto a = crash([] { std::abort(); });
    BOOST_TEST(a.signal == SIGABRT);
    BOOST_TEST(has_symbol(a, "abort"));
    const auto t = crash([] { terminates(1); });
    BOOST_TEST(t.signal == SIGABRT);
    BOOST_TEST(has_symbol(t, "terminates(int)"));
}

BOOST_AUTO_TEST_CASE(an_overflow_of_the_stack_is_told) {
    const auto e = crash([] { overflows_its_stack(0); });
    BOOST_TEST(e.signal == SIGSEGV);
    BOOST_TEST(has_symbol(e, "overflows_its_stack(int)"));
    BOOST_TEST(e.frames.size() == crash_record::most_frames);
}

BOOST_AUTO_TEST_CASE(so_is_a_call_to_where_there_is_no_code) {
    const auto e = crash([] {
        void (*volatile nowhere)() = nullptr;
        nowhere();
    });
    BOOST_TEST(e.signal == SIGSEGV);
    BOOST_TEST(e.frames.size() >= 2u);
    BOOST_TEST(e.frames.front().module == "");
}

BOOST_AUTO_TEST_CASE(a_signal_from_outside_still_ends_the_process) {
    const auto e = crash([] {
        ::kill(::getpid(), SIGSEGV);
        ::pause();
    });
    BOOST_TEST(e.signal == SIGSEGV);
    BOOST_TEST(!e.frames.empty());
}

BOOST_AUTO_TEST_CASE(another_thread_can_be_the_guilty_one) {
    const auto e = crash([] { std::thread([] { crashes_in_a_function(nullptr); }).join(); });
    BOOST_TEST(e.signal == SIGSEGV);
    BOOST_TEST(has_symbol(e, "crashes_in_a_function(int*)"));
}

BOOST_AUTO_TEST_CASE(a_handler_that_was_there_is_called_and_may_end_the_process) {
    const auto e = crash([] { ::signal(SIGSEGV, [](int) { ::_exit(42); }); },
                         [] { crashes_in_a_function(nullptr); });
    BOOST_TEST(e.exit_code == 42);
    BOOST_TEST(e.frames.empty());
    const auto with_info = crash(
        [] {
            struct sigaction mine{};
            mine.sa_flags = SA_SIGINFO;
            mine.sa_sigaction = [](int, siginfo_t* info, void* context) {
                ::_exit(info->si_addr == nullptr && context != nullptr ? 43 : 44);
            };
            ::sigaction(SIGSEGV, &mine, nullptr);
        },
        [] { crashes_in_a_function(nullptr); });
    BOOST_TEST(with_info.exit_code == 43);
}

BOOST_AUTO_TEST_CASE(a_handler_that_comes_later_takes_the_signal) {
    const auto e = crash([] {
        ::signal(SIGSEGV, [](int) {
            ::signal(SIGSEGV, SIG_DFL); // and returns to the instruction
        });
        crashes_in_a_function(nullptr);
    });
    BOOST_TEST(e.signal == SIGSEGV);
    BOOST_TEST(e.frames.empty());
}

// Without its limit the search would go on forever, and so would this test.
BOOST_AUTO_TEST_CASE(a_search_that_does_not_end_is_ended_and_keeps_what_it_found) {
    const auto e = crash([] { crashes_without_a_way_out(nullptr); });
    BOOST_TEST(e.signal == SIGSEGV);
    BOOST_REQUIRE(e.frames.size() == 1u);
    BOOST_TEST(e.frames.front().symbol == "crashes_without_a_way_out(int const volatile*)");
}

BOOST_AUTO_TEST_CASE(so_it_is_where_the_program_blocks_every_signal) {
    const auto in_thread = crash([] {
        sigset_t all;
        sigfillset(&all);
        ::pthread_sigmask(SIG_BLOCK, &all, nullptr);
        std::thread([] {
            sigset_t faults;
            sigemptyset(&faults);
            sigaddset(&faults, SIGSEGV);
            ::pthread_sigmask(SIG_UNBLOCK, &faults, nullptr);
            crashes_without_a_way_out(nullptr);
        }).join();
    });
    BOOST_TEST(in_thread.signal == SIGSEGV);
    BOOST_TEST(in_thread.frames.size() == 1u);
}

BOOST_AUTO_TEST_CASE(the_program_s_alarm_clock_goes_on) {
    const auto e = crash(
        [] {
            ::signal(SIGSEGV, [](int) {
                ::signal(SIGALRM, SIG_DFL);
                ::pause(); // until the alarm
            });
        },
        [] {
            ::alarm(1);
            crashes_in_a_function(nullptr);
        });
    BOOST_TEST(e.signal == SIGALRM);
}

BOOST_AUTO_TEST_CASE(whatever_a_worker_wrote_into_the_record_is_read_within_bounds) {
    crash_record record;
    record.signal = SIGSEGV;
    record.frame_count = 0xffffffff;
    for (auto& f : record.frames)
        f = {0x1234, 0xffffffff};
    record.frames[1] = {0xffffffffffffffff, 1};
    record.modules[0].build_id = 1;
    record.modules[0].path.fill('x');
    const auto frames = frames_of(record, SIGSEGV, 0, "/dev/zero");
    BOOST_TEST(frames.size() == crash_record::most_frames);
    BOOST_TEST(frames[0].module == "");
    BOOST_TEST(frames[1].module == std::string(crash_record::path_size - 1, 'x'));
    BOOST_TEST(frames[1].symbol == "");
}

BOOST_AUTO_TEST_CASE(a_frame_can_be_printed) {
    std::ostringstream out;
    out << stack_frame{"lib.so", "f()", 0x1f40} << '|' << stack_frame{"lib.so", "", 16} << '|'
        << stack_frame{"", "", 1};
    BOOST_TEST(out.str() == "f() at lib.so+0x1f40|lib.so+0x10|0x1");
}
