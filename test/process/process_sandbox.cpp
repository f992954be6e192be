// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include <ferry/ferry.hpp>
#include <ferry/process.hpp>

#define BOOST_TEST_MODULE process_sandbox
#define BOOST_TEST_NO_MAIN
#include "helpers/poor_thread.hpp"
#include "helpers/process_helpers.hpp"
#include "helpers/worker_main.hpp"

#include <cerrno>
#include <fcntl.h>
#include <string>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

using ferry::sandbox;

namespace {

int error_of(long result) { return result < 0 ? errno : 0; }

int opens_a_socket() {
    const int s = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const int error = error_of(s);
    ::close(s);
    return error;
}
int opens_for_writing(const std::string& path) {
    const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    const int error = error_of(file);
    ::close(file);
    return error;
}
int executes() {
    char name[] = "true";
    char* const arguments[] = {name, nullptr};
    const int child = ::fork();
    if (child == 0) {
        ::execve("/bin/true", arguments, nullptr);
        ::_exit(errno);
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    return WEXITSTATUS(status);
}
int changes_mode(const std::string& path) { return error_of(::chmod(path.c_str(), 0777)); }
int has_no_new_privileges() { return ::prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0); }
std::string doubles(const std::string& text) { return text + text; }
bool is_refusal(int error) { return error == EACCES || error == EPERM; }

} // namespace

BOOST_AUTO_TEST_CASE(a_pool_without_a_sandbox_forbids_nothing) {
    ferry::process_pool pool(1);
    const marker file;
    BOOST_TEST(pool.submit(opens_a_socket).result() == 0);
    BOOST_TEST(pool.submit(opens_for_writing, file.path()).result() == 0);
    BOOST_TEST(pool.submit(executes).result() == 0);
    BOOST_TEST(pool.submit(has_no_new_privileges).result() == 0);
}

BOOST_AUTO_TEST_CASE(each_part_forbids_its_own_and_nothing_else) {
    const marker file;
    touch(file.path());
    const std::string large(300'000, 'x');
    for (const auto s :
         {sandbox::no_network, sandbox::read_only, sandbox::no_exec, sandbox::no_new_privileges,
          sandbox::no_network | sandbox::read_only | sandbox::no_exec}) {
        ferry::process_pool pool({.max_workers = 1, .sandbox = s});
        const auto has = [s](sandbox part) { return (s & part) != sandbox::none; };
        BOOST_TEST(is_refusal(pool.submit(opens_a_socket).result()) == has(sandbox::no_network));
        BOOST_TEST(is_refusal(pool.submit(opens_for_writing, file.path()).result()) ==
                   has(sandbox::read_only));
        BOOST_TEST(is_refusal(pool.submit(changes_mode, file.path()).result()) ==
                   has(sandbox::read_only));
        BOOST_TEST(is_refusal(pool.submit(executes).result()) == has(sandbox::no_exec));
        BOOST_TEST(pool.submit(has_no_new_privileges).result() == 1);
        // Ferry's own mappings and a pool's whole life are not disturbed.
        BOOST_TEST((pool.submit(doubles, large).result() == large + large));
        BOOST_CHECK_THROW(pool.submit([] { return ::raise(SIGKILL); }).result(),
                          ferry::worker_died);
        BOOST_TEST(pool.submit(doubles, std::string("b")).result() == "bb");
    }
    BOOST_TEST(opens_a_socket() == 0); // this process is as free as before
    BOOST_TEST(has_no_new_privileges() == 0);
}

BOOST_AUTO_TEST_CASE(an_initializer_is_confined_as_well) {
    const marker file;
    ferry::process_pool pool({.max_workers = 1,
                              .initializer = {[](const std::string& path) {
                                                  if (!is_refusal(opens_for_writing(path)))
                                                      ::_exit(1);
                                              },
                                              file.path()},
                              .sandbox = sandbox::read_only});
    BOOST_TEST(pool.submit(doubles, std::string("a")).result() == "aa");
    BOOST_TEST(!file.touched());
}

BOOST_AUTO_TEST_CASE(what_cannot_be_enforced_is_refused_by_the_constructor) {
    // In a thread to which the kernel looks as if it had no Landlock, or no filters.
    const auto refusal = [](long missing, ferry::process_pool_options options) {
        std::string text = "nothing was refused";
        std::thread([&] {
            if (!take_away(missing))
                return;
            try {
                const ferry::process_pool pool(options);
            } catch (const ferry::sandbox_error& e) {
                text = e.what();
            }
        }).join();
        return text;
    };
    const auto has = [](const std::string& text, const char* part) {
        return text.find(part) != std::string::npos;
    };
    BOOST_TEST(has(refusal(landlock_call, {.sandbox = sandbox::read_only}), "Landlock"));
    BOOST_TEST(
        has(refusal(landlock_call, {.sandbox = sandbox::no_network}), "nothing was refused"));
    BOOST_TEST(has(refusal(SYS_seccomp, {.sandbox = sandbox::no_network}), "no_network"));
    BOOST_TEST(has(refusal(SYS_seccomp, {.sandbox = sandbox::no_exec}), "no_exec"));
    BOOST_TEST(has(refusal(SYS_seccomp, {.limits = {.processes = 0}}), "limits.processes"));
    BOOST_TEST(
        has(refusal(SYS_prctl, {.sandbox = sandbox::no_new_privileges}), "no_new_privileges"));
}
