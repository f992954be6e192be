// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
// A program that programs.py runs in unusual ways. Its first argument says in which.
#include <ferry/ferry.hpp>
#include <ferry/process.hpp>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <dlfcn.h>
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

namespace {

using namespace std::chrono_literals;

int triple(int n) { return 3 * n; }
int pid() { return ::getpid(); }
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
    return pool.submit(triple, 14).result(20s);
}

int print_answer() {
    std::printf("%d\n", answer());
    return 0;
}

/// Prints the pids of everything that it starts, and waits to be killed.
int wait_to_be_killed() {
    ferry::process_pool pool(3);
    auto idle = pool.submit(pid);
    std::vector<int> pids{idle.result(20s)};
    auto busy = pool.submit(sleep_long);
    auto outer = pool.submit([] {
        static auto* const inner = new ferry::process_pool(1);
        const int mine = ::getpid();
        const int nested = inner->submit(pid).result(20s);
        static auto running = inner->submit(sleep_long);
        return std::vector<int>{mine, nested};
    });
    for (const int p : outer.result(20s))
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
    const int worker = pool.submit(pid).result(20s);
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

/// The child of a fork leaves the pool's scope.
int fork_and_leave() {
    int status = -1;
    {
        std::optional<ferry::process_pool> pool(std::in_place, 1);
        pool->submit(pid).result(20s);
        const int child = ::fork();
        if (child == 0) {
            pool.reset();
            ::_exit(7);
        }
        ::waitpid(child, &status, 0);
        std::printf("%d\n", pool->submit(triple, 14).result(20s));
    }
    return WEXITSTATUS(status) == 7 ? 0 : 1;
}

int use_static_pool() {
    static ferry::process_pool pool(1);
    std::printf("%d\n", pool.submit(triple, 14).result(20s));
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

int call_a_library(const char* path) {
    void* const library = ::dlopen(path, RTLD_NOW);
    if (library == nullptr) {
        std::fprintf(stderr, "%s\n", ::dlerror());
        return 1;
    }
    const auto function = reinterpret_cast<int (*)(int)>(::dlsym(library, "quadruple"));
    ferry::process_pool pool(1);
    std::printf("%d\n", pool.submit(function, 10).result(20s));
    return 0;
}

int with_closed_streams(const char* output) {
    for (int fd = 0; fd <= 2; ++fd)
        ::close(fd);
    const int n = answer();
    std::ofstream(output) << n << '\n';
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
    if (mode == "no-entry") {
        std::puts(error_of_a_new_pool().c_str());
        return 0;
    }
    ferry::run_worker_if_spawned();
    const char* const argument = argc > 2 ? argv[2] : "";
    if (mode == "answer")
        return print_answer();
    if (mode == "static-error") {
        std::puts(static_error.c_str());
        return 0;
    }
    if (mode == "elsewhere")
        return ::chdir("/") == 0 ? print_answer() : 1;
    if (mode == "replaced")
        return replaced(argument);
    if (mode == "closed")
        return with_closed_streams(argument);
    if (mode == "killed")
        return wait_to_be_killed();
    if (mode == "forked")
        return fork_and_wait_to_be_killed();
    if (mode == "fork")
        return fork_and_leave();
    if (mode == "static-pool")
        return use_static_pool();
    if (mode == "left-work")
        return leave_work_to_the_end();
    if (mode == "library")
        return call_a_library(argument);
    std::fprintf(stderr, "unknown mode '%s'\n", argv[1]);
    return 2;
}
