// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include "process/limit_watch.hpp"
#include "process/own_limits.hpp"
#include "process/pids_group.hpp"
#include "process/process_usage.hpp"

#define BOOST_TEST_MODULE limit_watch
#include <boost/test/unit_test.hpp>

#include <fcntl.h>
#include <memory>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

using namespace ferry::detail;
using namespace std::chrono_literals;
using which = limit_breach::limit;

BOOST_AUTO_TEST_CASE(without_limits_there_is_nothing_to_look_at) {
    BOOST_TEST(!limit_watch({}).is_needed());
    BOOST_TEST(!limit_watch({.cpu_time = 0s, .open_files = 3, .file_size = 5}).is_needed());
    BOOST_TEST(limit_watch({.memory = 1}).is_needed());
    BOOST_TEST(limit_watch({.cpu_time = 1ns}).is_needed());
}

BOOST_AUTO_TEST_CASE(memory_may_reach_the_limit_and_not_exceed_it) {
    limit_watch w({.memory = 1000});
    BOOST_TEST(!w.sample(1, {999, 1h}, 0s));
    BOOST_TEST(!w.sample(1, {1000, 1h}, 0s));
    const auto b = w.sample(1, {1001, 1h}, 0s);
    BOOST_REQUIRE(b.has_value());
    BOOST_TEST((b->what == which::memory));
    BOOST_TEST(b->allowed == 1000u);
    BOOST_TEST(b->used == 1001u);
}

BOOST_AUTO_TEST_CASE(processor_time_counts_from_the_start_of_each_call) {
    limit_watch w({.cpu_time = 100ms});
    BOOST_TEST(!w.sample(1, {0, 5000ms}, 4950ms));
    BOOST_TEST(!w.sample(1, {0, 5050ms}, 4950ms));
    BOOST_TEST(!w.sample(2, {0, 5100ms}, 5060ms)); // the next call
    const auto b = w.sample(2, {0, 5161ms}, 5060ms);
    BOOST_REQUIRE(b.has_value());
    BOOST_TEST((b->what == which::cpu_time));
    BOOST_TEST(b->allowed == 100'000'000u);
    BOOST_TEST(b->used == 101'000'000u);
}

BOOST_AUTO_TEST_CASE(a_worker_cannot_postpone_its_limit_by_what_it_says) {
    limit_watch w({.cpu_time = 100ms});
    BOOST_TEST(!w.sample(1, {0, 1000ms}, 1000h)); // began later than now
    BOOST_TEST(!w.sample(1, {0, 1090ms}, 1090ms));
    BOOST_TEST(w.sample(1, {0, 1101ms}, 1101ms).has_value());
    BOOST_TEST(w.sample(9, {0, 101ms}, -1000h).has_value()); // and earlier than the process
    BOOST_TEST(w.sample(9, {0, 101ms}, -1000h)->used == 101'000'000u);
}

BOOST_AUTO_TEST_CASE(the_next_look_is_nearer_when_the_time_may_be_over_sooner) {
    limit_watch memory({.memory = 1});
    BOOST_TEST((memory.until_next(64) == 10ms));
    limit_watch w({.cpu_time = 100ms});
    BOOST_TEST((w.until_next(1) == 10ms));
    w.sample(1, {0, 0ms}, 0ms);
    BOOST_TEST((w.until_next(1) == 10ms));
    w.sample(1, {0, 92ms}, 0ms);
    BOOST_TEST((w.until_next(1) == 8ms));
    BOOST_TEST((w.until_next(4) == 2ms));
    w.sample(1, {0, 100ms}, 0ms);
    BOOST_TEST((w.until_next(4) == 1ms));
    w.rest();
    BOOST_TEST((w.until_next(4) == 10ms));
}

BOOST_AUTO_TEST_CASE(the_text_names_the_limit_what_it_allowed_and_what_was_used) {
    const auto memory = text_of({which::memory, 1000, 2000, false}, "decode", 17);
    for (const char* const part : {"decode", "limits.memory", "1000 bytes", "2000 bytes", "17"})
        BOOST_TEST(memory.find(part) != std::string::npos);
    const auto cpu = text_of({which::cpu_time, 100'000'000, 112'400'000, false}, "x", 1);
    for (const char* const part : {"limits.cpu_time", "100ms", "112ms"})
        BOOST_TEST(cpu.find(part) != std::string::npos);
    BOOST_TEST(text_of({which::file_size, 4096, 4096, false}, "x", 1)
                   .find("limits.file_size: allowed 4096") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_status_tells_what_is_anonymous_and_swapped) {
    const auto m =
        parse_status("Name:\tVmRSS: 7\nVmHWM:\t    1000 kB\nVmRSS:\t     900 kB\n"
                     "RssAnon:\t     300 kB\nRssFile:\t     600 kB\nVmSwap:\t      50 kB\n");
    BOOST_REQUIRE(m.has_value());
    BOOST_TEST(m->resident == 900u << 10);
    BOOST_TEST(m->anonymous == 350u << 10);
    BOOST_TEST(m->peak == 1000u << 10);
    BOOST_TEST(!parse_status("Name:\tgone\nState:\tZ (zombie)\n").has_value());
    BOOST_TEST(!parse_status("").has_value());
    BOOST_TEST(parse_status("VmRSS: 4 kB\n")->anonymous == 4096u);
}

BOOST_AUTO_TEST_CASE(a_process_s_memory_and_time_can_be_read) {
    const auto before = memory_of(::getpid());
    BOOST_REQUIRE(before.has_value());
    constexpr std::size_t size = std::size_t(64) << 20;
    void* const memory = ::mmap(nullptr, size, PROT_READ | PROT_WRITE,
                                MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
    BOOST_REQUIRE(memory != MAP_FAILED);
    const auto after = memory_of(::getpid());
    ::munmap(memory, size);
    BOOST_REQUIRE(after.has_value());
    BOOST_TEST(after->anonymous >= before->anonymous + size / 10 * 9);
    BOOST_TEST(after->peak >= after->resident);
    const auto t = cpu_time_of(::getpid());
    BOOST_REQUIRE(t.has_value());
    BOOST_TEST((*t > 0s));
    BOOST_TEST(!memory_of(1 << 22).has_value());
    BOOST_TEST(!cpu_time_of(1 << 22).has_value());
}

BOOST_AUTO_TEST_CASE(limits_hold_for_tasks_and_not_for_the_worker_itself) {
    rlimit files{};
    rlimit sizes{};
    ::getrlimit(RLIMIT_NOFILE, &files);
    ::getrlimit(RLIMIT_FSIZE, &sizes);
    {
        const limits_lifted none_are_set;
    }
    set_own_limits(32, 4096);
    const auto soft = [](auto resource) {
        rlimit now{};
        ::getrlimit(resource, &now);
        return now.rlim_cur;
    };
    BOOST_TEST(soft(RLIMIT_NOFILE) == 32u);
    BOOST_TEST(soft(RLIMIT_FSIZE) == 4096u);
    {
        const limits_lifted outer;
        {
            const limits_lifted inner;
        }
        BOOST_TEST(soft(RLIMIT_NOFILE) == files.rlim_cur);
        const int m = ::memfd_create("large", MFD_CLOEXEC);
        BOOST_TEST(::ftruncate(m, 1 << 20) == 0);
        ::close(m);
    }
    BOOST_TEST(soft(RLIMIT_NOFILE) == 32u);
    BOOST_TEST(soft(RLIMIT_FSIZE) == 4096u);
    set_own_limits(1u << 30, 0); // never more than there was
    BOOST_TEST(soft(RLIMIT_NOFILE) <= files.rlim_cur);
    ::setrlimit(RLIMIT_NOFILE, &files);
    ::setrlimit(RLIMIT_FSIZE, &sizes);
}

BOOST_AUTO_TEST_CASE(the_folder_that_counts_processes_is_found_in_both_versions) {
    const char* const first =
        "30 24 0:26 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n"
        "31 24 0:27 / /sys/fs/cgroup/pids rw,nosuid shared:9 - cgroup cgroup rw,pids\n"
        "32 24 0:28 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n";
    const char* const own = "8:pids:/user/1\n4:memory:/x\n0::/user.slice\n";
    BOOST_TEST(find_pids_folder(first, own)->string() == "/sys/fs/cgroup/pids/user/1");
    const char* const second = "32 24 0:28 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n";
    BOOST_TEST(find_pids_folder(second, "0::/user.slice\n")->string() ==
               "/sys/fs/cgroup/user.slice");
    // In a container that sees a part of the hierarchy.
    const char* const part =
        "31 24 0:27 /docker/7 /sys/fs/cgroup/pids rw - cgroup cgroup rw,cpu,pids\n";
    BOOST_TEST(find_pids_folder(part, "8:cpu,pids:/docker/7/a\n")->string() ==
               "/sys/fs/cgroup/pids/a");
    BOOST_TEST(!find_pids_folder(part, "8:cpu,pids:/elsewhere\n").has_value());
    BOOST_TEST(!find_pids_folder("", own).has_value());
    BOOST_TEST(!find_pids_folder(first, "").has_value());
    BOOST_TEST(
        !find_pids_folder("31 24 0:27 / /x rw - cgroup cgroup rw,rapids\n", own).has_value());
}
