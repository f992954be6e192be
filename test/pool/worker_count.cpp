// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include <ferry/thread_pool.hpp>

#define BOOST_TEST_MODULE worker_count
#include <boost/test/unit_test.hpp>

#include "pool/cpu_quota.hpp"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <limits>
#include <string>

#include <sched.h>
#include <sys/resource.h>

using namespace ferry;

namespace {

/// A made-up file system below a directory of its own.
class fake_root {
public:
    fake_root() {
        std::string pattern = std::filesystem::temp_directory_path() / "ferry-root-XXXXXX";
        BOOST_REQUIRE(::mkdtemp(pattern.data()) != nullptr);
        path_ = pattern;
    }
    ~fake_root() { std::filesystem::remove_all(path_); }
    fake_root(const fake_root&) = delete;
    fake_root& operator=(const fake_root&) = delete;

    void write(const std::string& name, const std::string& text) const {
        std::filesystem::create_directories((path_ / name).parent_path());
        std::ofstream(path_ / name) << text << '\n';
    }
    std::size_t cpus() const { return detail::cpus_by_quota(path_); }

private:
    std::filesystem::path path_;
};

constexpr auto no_quota = std::numeric_limits<std::size_t>::max();
const std::string v2_mount = "30 25 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw";
const std::string v1_mount =
    "33 25 0:29 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct";

} // namespace

BOOST_AUTO_TEST_CASE(by_default_there_are_a_few_workers_more_than_cpus) { // CF-TP-01
    const auto workers_for = [](const char* cpus) {
        ::setenv("FERRY_CPUS", cpus, 1);
        return thread_pool().max_workers();
    };
    BOOST_TEST(workers_for("1") == 5u);
    BOOST_TEST(workers_for("27") == 31u);
    BOOST_TEST(workers_for("29") == 32u);
    ::unsetenv("FERRY_CPUS");
    BOOST_TEST(thread_pool().max_workers() == std::min<std::size_t>(32, cpu_bound_workers() + 4));
}

BOOST_AUTO_TEST_CASE(nonsense_in_the_environment_is_ignored) { // CF-PP-03
    const auto cpus = cpu_bound_workers();
    for (const char* text : {"", "0", "-1", "2x", "99999999999999999999"}) {
        ::setenv("FERRY_CPUS", text, 1);
        BOOST_TEST(cpu_bound_workers() == cpus);
    }
    ::unsetenv("FERRY_CPUS");
}

BOOST_AUTO_TEST_CASE(affinity_counts) { // CF-TP-01 CF-PP-03
    cpu_set_t before, one;
    BOOST_REQUIRE(::sched_getaffinity(0, sizeof before, &before) == 0);
    int first = 0;
    while (!CPU_ISSET(first, &before))
        ++first;
    CPU_ZERO(&one);
    CPU_SET(first, &one);
    BOOST_REQUIRE(::sched_setaffinity(0, sizeof one, &one) == 0);
    BOOST_TEST(cpu_bound_workers() == 1u);
    BOOST_TEST(io_bound_workers() == 5u);
    BOOST_REQUIRE(::sched_setaffinity(0, sizeof before, &before) == 0);
}

// UndefinedBehaviorSanitizer needs a descriptor to look at an object.
#if !defined(__SANITIZE_ADDRESS__)
BOOST_AUTO_TEST_CASE(files_that_cannot_be_read_set_no_limit) { // CF-PP-02
    const auto cpus = cpu_bound_workers();
    rlimit before{};
    BOOST_REQUIRE(::getrlimit(RLIMIT_NOFILE, &before) == 0);
    const rlimit none{.rlim_cur = 0, .rlim_max = before.rlim_max};
    BOOST_REQUIRE(::setrlimit(RLIMIT_NOFILE, &none) == 0);
    const auto without_files = cpu_bound_workers();
    const int answer = thread_pool().submit([] { return 42; }).result();
    BOOST_REQUIRE(::setrlimit(RLIMIT_NOFILE, &before) == 0);
    BOOST_TEST(without_files >= cpus);
    BOOST_TEST(answer == 42);
}
#endif

BOOST_AUTO_TEST_CASE(the_quota_of_the_own_group_counts) { // CF-PP-03
    const fake_root root;
    BOOST_TEST(root.cpus() == no_quota); // nothing is there
    root.write("proc/self/cgroup", "0::/app.slice/job.service");
    root.write("proc/self/mountinfo", "22 1 8:1 / / rw - ext4 /dev/sda rw\n" + v2_mount);
    BOOST_TEST(root.cpus() == no_quota);
    root.write("sys/fs/cgroup/app.slice/job.service/cpu.max", "250000 100000");
    BOOST_TEST(root.cpus() == 3u); // rounded up
    root.write("sys/fs/cgroup/app.slice/job.service/cpu.max", "1000 100000");
    BOOST_TEST(root.cpus() == 1u);
    root.write("sys/fs/cgroup/other.slice/cpu.max", "100000 100000");
    root.write("sys/fs/cgroup/app.slice/job.service/cpu.max", "max 100000");
    BOOST_TEST(root.cpus() == no_quota);
}

BOOST_AUTO_TEST_CASE(the_least_quota_of_all_groups_above_counts) { // CF-PP-03
    const fake_root root;
    root.write("proc/self/cgroup", "0::/a/b/c");
    root.write("proc/self/mountinfo", v2_mount);
    root.write("sys/fs/cgroup/a/b/c/cpu.max", "800000 100000");
    BOOST_TEST(root.cpus() == 8u);
    root.write("sys/fs/cgroup/a/cpu.max", "200000 100000");
    BOOST_TEST(root.cpus() == 2u);
    root.write("sys/fs/cgroup/a/b/cpu.max", "max 100000");
    BOOST_TEST(root.cpus() == 2u);
    root.write("sys/fs/cgroup/cpu.max", "100000 100000"); // the root of a container
    BOOST_TEST(root.cpus() == 1u);
}

BOOST_AUTO_TEST_CASE(the_first_version_of_groups_counts_too) { // CF-PP-03
    const fake_root root;
    root.write("proc/self/cgroup", "5:memory:/elsewhere\n4:cpu,cpuacct:/a/b\n1:cpuset:/c");
    root.write("proc/self/mountinfo",
               "35 25 0:31 / /sys/fs/cgroup/cpuset rw - cgroup cgroup rw,cpuset\n" + v1_mount);
    const std::string base = "sys/fs/cgroup/cpu,cpuacct/";
    root.write(base + "a/b/cpu.cfs_quota_us", "-1");
    root.write(base + "a/b/cpu.cfs_period_us", "100000");
    BOOST_TEST(root.cpus() == no_quota);
    root.write(base + "a/cpu.cfs_quota_us", "300000");
    root.write(base + "a/cpu.cfs_period_us", "50000");
    BOOST_TEST(root.cpus() == 6u);
    root.write(base + "elsewhere/cpu.cfs_quota_us", "1000");
    root.write(base + "elsewhere/cpu.cfs_period_us", "100000");
    BOOST_TEST(root.cpus() == 6u);
    // Both versions at once, as systemd's hybrid layout has them.
    root.write("proc/self/cgroup", "4:cpu:/a/b\n0::/x");
    root.write("proc/self/mountinfo",
               v1_mount + "\n36 25 0:32 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw");
    root.write("sys/fs/cgroup/unified/x/cpu.max", "500000 100000");
    BOOST_TEST(root.cpus() == 5u);
}

BOOST_AUTO_TEST_CASE(a_mount_may_show_a_part_of_the_groups) { // CF-PP-03
    const fake_root root;
    root.write("proc/self/cgroup", "4:cpu:/docker/1234/inner");
    root.write("proc/self/mountinfo",
               "33 25 0:29 /docker/1234 /my\\040groups rw - cgroup cgroup rw,cpu");
    root.write("my groups/inner/cpu.cfs_quota_us", "400000");
    root.write("my groups/inner/cpu.cfs_period_us", "100000");
    BOOST_TEST(root.cpus() == 4u);
    root.write("my groups/cpu.cfs_quota_us", "200000");
    root.write("my groups/cpu.cfs_period_us", "100000");
    BOOST_TEST(root.cpus() == 2u);
    // A group that the mount does not show: what it shows at its top holds for all.
    root.write("proc/self/cgroup", "4:cpu:/../elsewhere");
    BOOST_TEST(root.cpus() == 2u);
    root.write("proc/self/cgroup", "4:cpu:/docker/12345");
    BOOST_TEST(root.cpus() == 2u);
}

BOOST_AUTO_TEST_CASE(nonsense_in_the_files_sets_no_limit) { // CF-PP-03
    const fake_root root;
    root.write("proc/self/cgroup", "nonsense\n:\n0::/a\n");
    root.write("proc/self/mountinfo", "short\n\n" + v2_mount);
    for (const char* text : {"", "max", "-1 100000", "0 100000", "100000", "100000 0", "many 5"}) {
        root.write("sys/fs/cgroup/a/cpu.max", text);
        BOOST_TEST(root.cpus() == no_quota, text);
    }
}
