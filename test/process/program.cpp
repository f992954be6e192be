// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
// A program that programs.py runs in unusual ways. Its first argument says in which.
#include <ferry/ferry.hpp>
#include <ferry/process.hpp>

#include "helpers/process_tasks.hpp"
#include "program_workers.hpp"

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <dlfcn.h>
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

namespace {

using namespace std::chrono_literals;

void sleep_long() { ::sleep(60); }

std::string error_of_a_new_pool() {
    try {
        ferry::process_pool pool(1);
        return "no error";
    } catch (const std::logic_error& e) {
        return e.what();
    }
}

// Before main().
const std::string static_error = error_of_a_new_pool();

int answer() {
    ferry::process_pool pool(2);
    return pool.submit(triple, 14).result(3min);
}

int print_answer() {
    std::printf("%d\n", answer());
    return 0;
}

/// Prints the pids of everything that it starts, and waits to be killed.
int wait_to_be_killed() {
    ferry::process_pool pool(3);
    auto idle = pool.submit(pid);
    std::vector<int> pids{idle.result(3min)};
    auto busy = pool.submit(sleep_long);
    auto outer = pool.submit([] {
        static auto* const inner = new ferry::process_pool(1);
        const int mine = ::getpid();
        const int nested = inner->submit(pid).result(3min);
        static auto running = inner->submit(sleep_long);
        return std::vector<int>{mine, nested};
    });
    for (const int p : outer.result(3min))
        pids.push_back(p);
    for (const int p : pids)
        std::printf("%d ", p);
    std::puts("");
    std::fflush(stdout);
    ::pause();
    return 1;
}

/// A child without exec keeps copies of the descriptors; the workers must not mind.
int fork_and_wait_to_be_killed() {
    ferry::process_pool pool(1);
    const int worker = pool.submit(pid).result(3min);
    const int child = ::fork();
    if (child == 0) {
        ::close(STDOUT_FILENO);
        ::sleep(20);
        ::_exit(0);
    }
    std::printf("%d\n%d\n", worker, child);
    std::fflush(stdout);
    ::pause();
    return 1;
}

/// A stop callback of its task does not return.
int stop_slowly_and_wait_to_be_killed() {
    ferry::process_pool pool({.max_workers = 1, .kill_grace = ferry::timeout()});
    std::printf("%d", pool.submit(pid).result(20s));
    std::fflush(stdout);
    auto f = pool.submit([](std::stop_token stop) {
        const std::stop_callback blocks(stop, [] {
            std::puts("");
            std::fflush(stdout);
            ::pause();
        });
        for (;;)
            ::pause();
    });
    while (!f.running())
        std::this_thread::yield();
    f.request_stop();
    ::pause();
    return 1;
}

/// The child of a fork leaves the pool's scope.
int fork_and_leave() {
    int status = -1;
    {
        std::optional<ferry::process_pool> pool(std::in_place, 1);
        pool->submit(pid).result(3min);
        const int child = ::fork();
        if (child == 0) {
            pool.reset();
            ::_exit(7);
        }
        ::waitpid(child, &status, 0);
        std::printf("%d\n", pool->submit(triple, 14).result(3min));
    }
    return WEXITSTATUS(status) == 7 ? 0 : 1;
}

int use_static_pool() {
    static ferry::process_pool pool(1);
    std::printf("%d\n", pool.submit(triple, 14).result(3min));
    static auto left = pool.submit(pid); // completes before the pool's destructor returns
    return 0;
}

/// Pools that main() leaves to the end of the program, with work in them.
int leave_work_to_the_end() {
    static ferry::thread_pool threads(1);
    static ferry::process_pool processes(1);
    threads.submit([] { std::puts("41"); });
    processes.submit(triple, 14).add_done_callback([](ferry::future<int> f) {
        std::printf("%d\n", f.result());
    });
    return 0;
}

using function = int (*)(int);

struct library {
    explicit library(const char* path) : handle(::dlopen(path, RTLD_NOW | RTLD_LOCAL)) {
        if (handle == nullptr) {
            std::fprintf(stderr, "%s\n", ::dlerror());
            std::exit(1);
        }
    }
    function quadruple() const { return reinterpret_cast<function>(::dlsym(handle, "quadruple")); }
    void* handle;
};

int call_a_library(const char* path) {
    const library l(path);
    ferry::process_pool pool(1);
    std::printf("%d\n", pool.submit(l.quadruple(), 10).result(3min));
    return 0;
}

/// Loads it by a relative path, and goes elsewhere before it is first used.
int call_a_relative_library(const char* path) {
    const library l(path);
    if (::chdir("/") != 0)
        return 1;
    ferry::process_pool pool(1);
    ferry::process_pool offered({.max_workers = 1, .working_directory = "/proc"});
    std::printf("%d %d\n", pool.submit(l.quadruple(), 10).result(3min),
                offered.submit(l.quadruple(), 10).result(3min));
    return 0;
}

std::string what_it_gives(ferry::process_pool& pool, function f) {
    try {
        return std::to_string(pool.submit(f, 10).result(3min));
    } catch (const std::exception&) {
        return "error";
    }
}

/// One is unloaded and the other, most likely, takes its place in memory. With a third path the
/// second is moved to where the first was before.
int replace_a_library(const char* first, const char* second, const char* moved) {
    ferry::process_pool pool(1);
    {
        const library one(first);
        std::printf("%s ", what_it_gives(pool, one.quadruple()).c_str());
        ::dlclose(one.handle);
    }
    if (moved != nullptr)
        std::filesystem::rename(moved, second);
    const library two(second);
    const std::string here = std::to_string(two.quadruple()(10));
    ferry::process_pool fresh(1);
    for (auto* p : {&pool, &fresh}) {
        const std::string there = what_it_gives(*p, two.quadruple());
        std::printf("%s ", there == here ? "same" : there.c_str());
    }
    std::puts("");
    return 0;
}

int removed(const char* path) {
    std::filesystem::remove(path);
    ferry::process_pool pool(1);
    try {
        pool.submit(triple, 14).result(3min);
    } catch (const ferry::broken_process_pool& e) {
        std::puts(e.what());
    }
    return 0;
}

int print_what_the_environment_did() {
    std::printf("%zu ", ferry::cpu_bound_workers());
    try {
        ferry::process_pool pool(1);
        std::printf("a pool\n");
    } catch (const std::logic_error& e) {
        std::printf("%s\n", e.what());
    }
    return 0;
}

int with_closed_streams(const char* output) {
    for (int fd = 0; fd <= 2; ++fd)
        ::close(fd);
    const int n = answer();
    std::ofstream(output) << n << '\n';
    return 0;
}

int print_static_error() {
    std::puts(static_error.c_str());
    return 0;
}

int replaced(const char* path) {
    std::filesystem::remove(path);
    std::ofstream(path) << "something else\n";
    return print_answer();
}

} // namespace

int main(int argc, char** argv) {
    const std::string_view mode = argc > 1 ? argv[1] : "";
    if (mode == "no-entry")
        return std::puts(error_of_a_new_pool().c_str()) < 0 ? 1 : 0;
    if (std::getenv("TEST_CRASH_HANDLER") != nullptr) // workers get no arguments
        ::signal(SIGSEGV, tell_of_the_crash);
    ferry::run_worker_if_spawned();
    const auto argument = [&](int n) { return argc > n ? argv[n] : nullptr; };
    const std::map<std::string_view, std::function<int()>> modes{
        {"answer", print_answer},
        {"static-error", print_static_error},
        {"elsewhere", [] { return ::chdir("/") == 0 ? print_answer() : 1; }},
        {"replaced", [&] { return replaced(argument(2)); }},
        {"closed", [&] { return with_closed_streams(argument(2)); }},
        {"killed", wait_to_be_killed},
        {"forked", fork_and_wait_to_be_killed},
        {"stopping", stop_slowly_and_wait_to_be_killed},
        {"fork", fork_and_leave},
        {"static-pool", use_static_pool},
        {"left-work", leave_work_to_the_end},
        {"library", [&] { return call_a_library(argument(2)); }},
        {"relative-library", [&] { return call_a_relative_library(argument(2)); }},
        {"replace-library",
         [&] { return replace_a_library(argument(2), argument(3), argument(4)); }},
        {"names", print_names},
        {"special-thread", submit_from_a_special_thread},
        {"no-handles", without_handles_of_processes},
        {"crash-handler", with_a_crash_handler},
        {"ignored-signals", with_ignored_signals},
        {"sanitizer", print_the_report_of_a_sanitizer},
        {"removed", [&] { return removed(argument(2)); }},
        {"environment", print_what_the_environment_did},
    };
    if (const auto found = modes.find(mode); found != modes.end())
        return found->second();
    std::fprintf(stderr, "unknown mode '%s'\n", argv[1]);
    return 2;
}
