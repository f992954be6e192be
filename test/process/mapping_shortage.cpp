// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
// Each call for shared memory, and each message that tells of it, fails once, in the pool's process
// and in the worker's: whoever asked gets an error or what they asked for, and afterwards all works.
#include <ferry/process_pool.hpp>

#define BOOST_TEST_MODULE mapping_shortage
#define BOOST_TEST_NO_MAIN
#include "helpers/failing_call.hpp"
#include "helpers/process_helpers.hpp"
#include "helpers/worker_main.hpp"

#include <cerrno>
#include <cstdarg>
#include <optional>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

using failing_call::is_due;
using failing_call::shortage;

namespace {

/// Made when a mapping has failed, if it has a name.
std::string mark_of_a_failure;

} // namespace

extern "C" void* mmap(void* at, std::size_t size, int protection, int flags, int file,
                      ::off_t offset) noexcept {
    static const auto real =
        failing_call::real<void*(void*, std::size_t, int, int, int, ::off_t)>("mmap");
    if ((flags & MAP_SHARED) != 0 && is_due()) {
        if (!mark_of_a_failure.empty())
            ::close(::creat(mark_of_a_failure.c_str(), 0600));
        errno = ENOMEM;
        return MAP_FAILED;
    }
    return real(at, size, protection, flags, file, offset);
}

extern "C" void* mremap(void* from, std::size_t size, std::size_t to, int flags, ...) noexcept {
    static const auto real =
        failing_call::real<void*(void*, std::size_t, std::size_t, int, ...)>("mremap");
    if (is_due()) {
        errno = ENOMEM;
        return MAP_FAILED;
    }
    if ((flags & MREMAP_FIXED) == 0)
        return real(from, size, to, flags);
    std::va_list rest;
    va_start(rest, flags);
    void* const at = va_arg(rest, void*);
    va_end(rest);
    return real(from, size, to, flags, at);
}

extern "C" int memfd_create(const char* name, unsigned flags) noexcept {
    static const auto real = failing_call::real<int(const char*, unsigned)>("memfd_create");
    if (is_due()) {
        errno = EMFILE;
        return -1;
    }
    return real(name, flags);
}

extern "C" int ftruncate(int file, ::off_t size) noexcept {
    static const auto real = failing_call::real<int(int, ::off_t)>("ftruncate");
    if (is_due()) {
        errno = ENOSPC;
        return -1;
    }
    return real(file, size);
}

extern "C" ssize_t sendmsg(int socket, const msghdr* message, int flags) noexcept {
    static const auto real = failing_call::real<ssize_t(int, const msghdr*, int)>("sendmsg");
    if (is_due()) {
        errno = ENOBUFS;
        return -1;
    }
    return real(socket, message, flags);
}

namespace {

constexpr std::size_t large = 1 << 20;

std::vector<char> letters(std::size_t n) { return std::vector<char>(n, 'r'); }
std::size_t length(const std::string& s) { return s.size(); }

/// In the worker.
std::optional<shortage> of_this_worker;
int begin_here(long n) {
    of_this_worker.emplace(n);
    return ::getpid();
}
/// Gives the process too, so that it is seen whether it is still the same.
std::pair<int, bool> end_here() {
    of_this_worker.reset();
    return {::getpid(), failing_call::failed};
}

/// The future, if there is one, ends, with the value or an error.
template <class T, class... A>
void submit_and_wait(ferry::process_pool& pool, const T& value, A&&... a) {
    try {
        auto f = pool.submit(std::forward<A>(a)...);
        BOOST_TEST_REQUIRE(f.wait_for(patience));
        BOOST_TEST((f.result() == value));
    } catch (const std::exception& e) {
        BOOST_TEST(std::string(e.what()) != "");
    }
}
void call_small(ferry::process_pool& pool) { submit_and_wait(pool, 6, triple, 2); }
void call_with_large_argument(ferry::process_pool& pool) {
    submit_and_wait(pool, large, length, std::string(large, 'x'));
}
void call_with_large_result(ferry::process_pool& pool) {
    submit_and_wait(pool, std::vector<char>(large, 'r'), letters, large);
}
/// They grow what is there.
void call_with_larger_ones(ferry::process_pool& pool) {
    for (const std::size_t size : {large / 10, large, 4 * large}) {
        submit_and_wait(pool, size, length, std::string(size, 'x'));
        submit_and_wait(pool, std::vector<char>(size, 'r'), letters, size);
    }
}

void expect_all_to_work(ferry::process_pool& pool) {
    BOOST_TEST(pool.submit(triple, 3).result(patience) == 9);
    BOOST_TEST(pool.submit(length, std::string(large, 'x')).result(patience) == large);
    BOOST_TEST(pool.submit(letters, large).result(patience).size() == large);
}

/// Each call of the pool's process fails once. Returns the number of them.
template <class Scenario>
long at_every_point(Scenario scenario) {
    for (long n = 0;; ++n) {
        ferry::process_pool pool(1);
        pool.submit(triple, 1).result(patience);
        {
            const shortage now(n);
            scenario(pool);
        }
        expect_all_to_work(pool);
        if (!failing_call::failed)
            return n;
    }
}
/// The same of its worker's.
template <class Scenario>
long at_every_point_of_a_worker(Scenario scenario) {
    for (long n = 0;; ++n) {
        ferry::process_pool pool(1);
        const int worker = pool.submit(begin_here, n).result(patience);
        scenario(pool);
        const auto [then, failed] = pool.submit(end_here).result(patience);
        BOOST_TEST(then == worker);
        expect_all_to_work(pool);
        if (!failed)
            return n;
    }
}

} // namespace

BOOST_AUTO_TEST_CASE(of_a_new_pool_and_its_first_worker) {
    long n = 0;
    do {
        std::optional<ferry::process_pool> pool;
        {
            const shortage now(n);
            try {
                pool.emplace(1);
            } catch (const std::system_error&) {
            }
            if (pool)
                call_small(*pool);
        }
        if (pool)
            expect_all_to_work(*pool);
        ++n;
    } while (failing_call::failed);
    BOOST_TEST(n > 4); // the channel's file, its size, its mapping, the message with it
}

BOOST_AUTO_TEST_CASE(of_the_pool) {
    BOOST_TEST(at_every_point(call_small) == 0);
    BOOST_TEST(at_every_point(call_with_large_argument) > 2);
    BOOST_TEST(at_every_point(call_with_large_result) > 0);
    BOOST_TEST(at_every_point(call_with_larger_ones) > 4);
}

BOOST_AUTO_TEST_CASE(of_the_worker) {
    BOOST_TEST(at_every_point_of_a_worker(call_small) == 0);
    BOOST_TEST(at_every_point_of_a_worker(call_with_large_argument) > 0);
    BOOST_TEST(at_every_point_of_a_worker(call_with_large_result) > 2);
    BOOST_TEST(at_every_point_of_a_worker(call_with_larger_ones) > 4);
}

namespace {

/// In a worker: no mapping succeeds any more, and the first that fails is told of.
int refuse_mappings(const std::string& path) {
    mark_of_a_failure = path;
    of_this_worker.emplace(0, true);
    return ::getpid();
}

/// A pool whose worker waits for room for an argument.
void wait_for_ever(const std::string& pid_file, const std::string& path) {
    ferry::process_pool pool(1);
    const int pid = pool.submit(refuse_mappings, path).result(patience);
    std::ofstream(pid_file) << pid;
    pool.submit(length, std::string(large, 'x')).result();
}

} // namespace

BOOST_AUTO_TEST_CASE(a_worker_that_waits_for_room_ends_with_its_pool) {
    BOOST_REQUIRE(::prctl(PR_SET_CHILD_SUBREAPER, 1) == 0); // it becomes a child of this process
    const marker pid_file, waits;
    ferry::process_pool pool(1);
    auto f = pool.submit(wait_for_ever, pid_file.path(), waits.path());
    BOOST_REQUIRE(eventually([&] { return std::filesystem::exists(waits.path()); }));
    int pid = 0;
    std::ifstream(pid_file.path()) >> pid;
    pool.kill_workers();
    BOOST_CHECK_THROW(f.result(patience), ferry::worker_died);
    int status = -1;
    BOOST_TEST(::waitpid(pid, &status, 0) == pid);
    BOOST_TEST(status == 0); // it did not give up, as it does later
}

BOOST_AUTO_TEST_CASE(a_worker_that_has_no_room_for_an_argument_for_long_is_replaced) {
    ferry::process_pool pool(1);
    pool.submit(refuse_mappings, std::string()).result(patience);
    auto f = pool.submit(length, std::string(large, 'x'));
    BOOST_CHECK_EXCEPTION(f.result(patience), ferry::worker_died, [](const auto& e) {
        return e.stderr_tail().find("no room for an argument") != std::string::npos;
    });
    expect_all_to_work(pool);
}
