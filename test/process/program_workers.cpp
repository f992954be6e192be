// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include "program_workers.hpp"

#include <ferry/process.hpp>

#include "helpers/process_tasks.hpp"

#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <initializer_list>
#include <string>
#include <thread>
#include <vector>

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

using namespace std::chrono_literals;

namespace {

std::string name_of_this_process() {
    std::string comm;
    std::string command;
    std::getline(std::ifstream("/proc/self/comm"), comm);
    std::getline(std::ifstream("/proc/self/cmdline"), command, '\0');
    return comm + ' ' + command;
}

std::array<int, 3> how_scheduled() {
    cpu_set_t set;
    CPU_ZERO(&set);
    ::sched_getaffinity(0, sizeof set, &set);
    return {CPU_COUNT(&set), ::sched_getscheduler(0), ::getpriority(PRIO_PROCESS, 0)};
}

/// System calls that are refused from here on, in the workers too.
void refuse(std::initializer_list<long> calls) {
    std::vector<sock_filter> program{
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr))};
    for (const long call : calls) {
        program.push_back(
            BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, static_cast<std::uint32_t>(call), 0, 1));
        program.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS));
    }
    program.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));
    const sock_fprog filter{static_cast<unsigned short>(program.size()), program.data()};
    if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
        ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) != 0)
        std::exit(77);
}

} // namespace

int print_names() {
    ferry::process_pool pool(1);
    std::printf("%s\n%s\n", name_of_this_process().c_str(),
                pool.submit(name_of_this_process).result(3min).c_str());
    return 0;
}

int submit_from_a_special_thread() {
    ferry::process_pool pool(1);
    const auto own = how_scheduled();
    std::array<int, 3> special{};
    std::array<int, 3> worker{};
    std::thread([&] {
        cpu_set_t set;
        CPU_ZERO(&set);
        CPU_SET(static_cast<unsigned>(::sched_getcpu()), &set);
        ::sched_setaffinity(0, sizeof set, &set);
        const sched_param none{};
        ::sched_setscheduler(0, SCHED_BATCH, &none);
        special = how_scheduled();
        worker = pool.submit(how_scheduled).result(3min);
    }).join();
    std::puts(special[1] == SCHED_BATCH && worker == own ? "as the pool" : "as the thread");
    return 0;
}

int without_handles_of_processes() {
    refuse({SYS_pidfd_open, SYS_pidfd_send_signal});
    ferry::process_pool pool({.max_workers = 1, .kill_grace = 0s});
    std::printf("%d ", pool.submit(triple, 14).result(3min));
    try {
        pool.submit([] { ::_exit(7); }).result(3min);
    } catch (const ferry::worker_died& e) {
        std::printf("%d ", e.exit_code().value_or(-1));
    }
    try {
        pool.submit({.timeout = 10ms}, [] { ::sleep(60); }).result(3min);
    } catch (const ferry::timeout_error&) {
        std::printf("timeout ");
    }
    std::printf("%d\n", pool.submit(triple, 14).result(3min));
    return 0;
}

void tell_of_the_crash(int) {
    static_cast<void>(::write(STDERR_FILENO, "own handler\n", 12) < 0);
    ::_exit(9);
}

int with_a_crash_handler() {
    ferry::process_pool pool({.max_workers = 1, .environment = {{"TEST_CRASH_HANDLER", "1"}}});
    try {
        pool.submit([] { ::raise(SIGSEGV); }).result(3min);
    } catch (const ferry::worker_died& e) {
        std::printf("%d %s", e.exit_code().value_or(-1), e.stderr_tail().c_str());
    }
    return 0;
}

int with_ignored_signals() {
    for (const int s : {SIGTERM, SIGUSR1, SIGCHLD, SIGQUIT})
        ::signal(s, SIG_IGN);
    ferry::process_pool pool(1);
    const auto all = [] {
        const auto is = [](int s, void (*what)(int)) {
            struct sigaction now{};
            return ::sigaction(s, nullptr, &now) == 0 && now.sa_handler == what;
        };
        return is(SIGTERM, SIG_DFL) && is(SIGUSR1, SIG_DFL) && is(SIGCHLD, SIG_DFL) &&
               is(SIGQUIT, SIG_DFL) && is(SIGINT, SIG_IGN);
    };
    std::puts(pool.submit(all).result(3min) ? "default" : "ignored");
    return 0;
}

int print_the_report_of_a_sanitizer() {
    ferry::process_pool pool(1);
    try {
        pool.submit([] { return *reinterpret_cast<volatile int*>(8); }).result(3min);
    } catch (const ferry::worker_died& e) {
        std::puts(e.stderr_tail().c_str());
    }
    return 0;
}
