// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
// A program that ends in unusual ways; exit_programs.py runs it. Its argument says in which.
#include <ferry/ferry.hpp>
#include <ferry/process.hpp>

#include "helpers/gate.hpp"

#include <cstdio>
#include <cstdlib>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>

#include <sys/wait.h>
#include <unistd.h>

namespace {

using namespace std::chrono_literals;
using ferry::process_pool;
using ferry::thread_pool;

/// Not buffered, so that nothing depends on how the program ends.
void say(std::string_view text) {
    if (::write(STDOUT_FILENO, text.data(), text.size()) < 0)
        ::_exit(99);
}
void dot() { say("."); }

template <class Pool>
void submit_dots(Pool& pool) {
    for (int i = 0; i < 20; ++i)
        pool.submit(dot);
}

// A pool of a static initializer, with work in it before main begins.
thread_pool early(1);
auto early_answer = early.submit([] { return 42; });

// ---- Where the pool lives -----------------------------------------------------------------------

template <class Pool>
int on_the_stack() {
    Pool pool(2);
    submit_dots(pool);
    return 0;
}
template <class Pool>
int in_static_storage() {
    static Pool pool(2);
    submit_dots(pool);
    return 0;
}
int in_a_static_initializer() {
    say(std::to_string(early_answer.result()));
    submit_dots(early);
    return 0;
}
int default_of_a_static_context() {
    static boost::asio::io_context io;
    auto& pool = ferry::default_executor(io);
    auto f = pool.submit(dot);
    f.wait();
    return 0;
}

/// Never deleted, with tasks that run and tasks that wait.
template <class Pool>
Pool& leaked_pool() {
    static auto* const pool = new Pool(2);
    return *pool;
}
void pause_for_ever() {
    for (;;)
        ::pause();
}
template <class Pool>
int leaked() {
    auto& pool = leaked_pool<Pool>();
    for (int i = 0; i < 20; ++i)
        pool.submit(pause_for_ever);
    return 0;
}
void resubmit() { leaked_pool<thread_pool>().submit(resubmit); }
int leaked_and_busy() {
    for (int i = 0; i < 20; ++i)
        resubmit();
    for (int i = 0; i < 100; ++i)
        leaked_pool<thread_pool>().submit([] {}).wait();
    return 0;
}

// ---- How the program ends -----------------------------------------------------------------------

template <class Pool, auto& End>
int in_main() {
    Pool pool(2);
    for (int i = 0; i < 20; ++i)
        pool.submit(pause_for_ever);
    End(3);
    return 1;
}
template <class Pool>
int exit_in_main_with_a_static_pool() {
    static Pool pool(2);
    submit_dots(pool);
    std::exit(3);
}
int exit_in_a_task() {
    thread_pool pool(2);
    pool.submit([] { std::exit(4); }).wait();
    return 1;
}
int exit_in_a_task_of_a_static_pool() {
    static gate go;
    static thread_pool pool(2);
    pool.submit([] {
        go.pass();
        dot();
    });
    pool.submit([] {
            go.open();
            std::exit(4);
        })
        .wait();
    return 1;
}
int exit_in_a_callback() {
    static process_pool pool(1);
    auto f = pool.submit(dot);
    f.add_done_callback([](const auto&) { std::exit(4); });
    f.wait();
    ::pause();
    return 1;
}
template <class Pool>
int exception_escapes() {
    Pool pool(2);
    pool.submit(dot).wait();
    throw std::runtime_error("escapes from main");
}

// ---- Functions that run at exit -----------------------------------------------------------------

thread_pool& static_pool() {
    static thread_pool pool(2);
    return pool;
}
int submit_at_exit() {
    static_pool();
    std::atexit([] {
        submit_dots(static_pool());
        say(std::to_string(static_pool().submit([] { return 7; }).result()));
    });
    return 0;
}
int shut_down_at_exit() {
    static_pool();
    std::atexit([] {
        submit_dots(static_pool());
        static_pool().shutdown();
        say("!");
    });
    return 0;
}

/// Submits to the static pool when its thread ends.
struct submits_at_the_end {
    ~submits_at_the_end() {
        try {
            static_pool().submit(dot);
        } catch (const ferry::shutdown_error&) {
            say("refused");
        }
    }
    void touch() {}
};
thread_local submits_at_the_end at_the_end;

int thread_local_of_main() {
    static_pool();
    at_the_end.touch();
    return 0;
}
int thread_local_of_a_thread() {
    static_pool();
    std::thread([] { at_the_end.touch(); }).join();
    return 0;
}
int thread_local_of_another_pool() {
    static_pool();
    thread_pool other(1);
    other.submit([] { at_the_end.touch(); });
    return 0;
}
int thread_local_of_its_worker() {
    static_pool().submit([] { at_the_end.touch(); });
    return 0;
}

// ---- fork ---------------------------------------------------------------------------------------

/// The status of a child that runs `f`.
template <class F>
int status_of(F f) {
    const ::pid_t child = ::fork();
    if (child == 0)
        f();
    int status = 0;
    if (child < 0 || ::waitpid(child, &status, 0) != child || !WIFEXITED(status))
        return -1;
    return WEXITSTATUS(status);
}
/// Pools that live, with threads, and timeouts that were used.
struct parent {
    parent() {
        pool.submit({.timeout = 1h}, dot).wait();
        static_pool().submit(dot).wait();
    }
    ~parent() { pool.submit(dot).wait(); }
    thread_pool pool{2};
};
int fork_and_leave_at_once() {
    const parent p;
    return status_of([] { ::_exit(7); }) == 7 ? 0 : 1;
}
int fork_and_exit() {
    const parent p;
    return status_of([] { std::exit(7); }) == 7 ? 0 : 1;
}
int fork_and_destroy() {
    auto p = std::make_unique<thread_pool>(2);
    p->submit(dot).wait();
    const int status = status_of([&] {
        p.reset();
        std::exit(7);
    });
    submit_dots(*p);
    return status == 7 ? 0 : 1;
}
int fork_and_use_the_parents_pool() {
    thread_pool inherited(2);
    submit_dots(inherited);
    const int status = status_of([&] {
        int refused = 0;
        try {
            inherited.submit([] {});
        } catch (const ferry::shutdown_error&) {
            ++refused;
        }
        inherited.shutdown();
        inherited.shutdown(1ms);
        std::exit(refused + static_cast<int>(inherited.stats().workers));
    });
    return status == 1 ? 0 : 1;
}
int fork_and_use_a_new_pool() {
    const parent p;
    return status_of([] {
               thread_pool own(2);
               const int n = own.submit([] { return 7; }).result();
               own.shutdown();
               std::exit(n);
           }) == 7
               ? 0
               : 1;
}
int fork_and_use_timeouts() {
    const parent p;
    return status_of([] {
               gate go;
               thread_pool own(1);
               const auto f = own.submit({.timeout = 1ms}, [&] { go.pass(); });
               f.exception();
               go.open();
               own.shutdown();
               std::exit(7);
           }) == 7
               ? 0
               : 1;
}

// A cancellation in the child takes nothing that the parent may have held.
int fork_and_cancel_the_parents_task() {
    gate go;
    thread_pool pool({.max_workers = 1, .max_queue = 100});
    auto busy = pool.submit([&] { go.pass(); });
    auto f = pool.submit([] {});
    std::atomic<bool> stop{false};
    std::thread other([&] { // keeps the pool's lock most of the time
        while (!stop)
            static_cast<void>(pool.stats());
    });
    int failed = 0;
    for (int i = 0; i < 50; ++i)
        failed += status_of([&f] { std::_Exit(f.cancel() ? 7 : 8); }) == 7 ? 0 : 1;
    stop = true;
    other.join();
    go.open();
    f.result();
    return failed;
}

// ---- A pool that ends on its own worker ---------------------------------------------------------

int on_its_own_worker() {
    gate gone;
    auto pool = std::make_shared<thread_pool>(2);
    submit_dots(*pool);
    auto f = pool->submit([&gone, p = pool]() mutable {
        gone.pass();
        p.reset();
        say("!");
    });
    pool.reset();
    gone.open();
    f.result();
    return 0;
}

const std::map<std::string_view, int (*)()> cases{
    {"stack", on_the_stack<thread_pool>},
    {"static", in_static_storage<thread_pool>},
    {"static-initializer", in_a_static_initializer},
    {"static-context", default_of_a_static_context},
    {"leaked", leaked<thread_pool>},
    {"leaked-busy", leaked_and_busy},
    {"exit", in_main<thread_pool, std::exit>},
    {"exit-static", exit_in_main_with_a_static_pool<thread_pool>},
    {"exit-task", exit_in_a_task},
    {"exit-task-static", exit_in_a_task_of_a_static_pool},
    {"quick-exit", in_main<thread_pool, std::quick_exit>},
    {"_exit", in_main<thread_pool, ::_exit>},
    {"exception", exception_escapes<thread_pool>},
    {"posted-throws",
     [] {
         thread_pool pool(1);
         boost::asio::post(pool, [] { throw std::runtime_error("nobody gets this"); });
         pool.shutdown();
         return 0;
     }},
    {"atexit-submits", submit_at_exit},
    {"atexit-shuts-down", shut_down_at_exit},
    {"thread-local-main", thread_local_of_main},
    {"thread-local-thread", thread_local_of_a_thread},
    {"thread-local-other", thread_local_of_another_pool},
    {"thread-local-worker", thread_local_of_its_worker},
    {"fork-_exit", fork_and_leave_at_once},
    {"fork-exit", fork_and_exit},
    {"fork-destroy", fork_and_destroy},
    {"fork-inherited", fork_and_use_the_parents_pool},
    {"fork-new-pool", fork_and_use_a_new_pool},
    {"fork-cancel", fork_and_cancel_the_parents_task},
    {"fork-timeout", fork_and_use_timeouts},
    {"own-worker", on_its_own_worker},
    {"process-stack", on_the_stack<process_pool>},
    {"process-static", in_static_storage<process_pool>},
    {"process-leaked", leaked<process_pool>},
    {"process-exit", in_main<process_pool, std::exit>},
    {"process-exit-static", exit_in_main_with_a_static_pool<process_pool>},
    {"process-exit-callback", exit_in_a_callback},
    {"process-quick-exit", in_main<process_pool, std::quick_exit>},
    {"process-_exit", in_main<process_pool, ::_exit>},
    {"process-exception", exception_escapes<process_pool>},
};

} // namespace

int main(int argc, char** argv) {
    ferry::run_worker_if_spawned();
    const auto found = cases.find(argc > 1 ? argv[1] : "");
    if (found == cases.end()) {
        std::fputs("unknown case\n", stderr);
        return 98;
    }
    return found->second();
}
