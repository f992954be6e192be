// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include "process/confinement.hpp"

#define BOOST_TEST_MODULE confinement
#include <boost/test/unit_test.hpp>

#include "helpers/poor_thread.hpp"
#include "helpers/sanitized.hpp"

#include <cerrno>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <linux/seccomp.h>
#include <sched.h>
#include <string>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

namespace {

using namespace ferry::detail;
using ferry::sandbox;

// Of a kernel that lacks some of it.
class poor_kernel final : public kernel_facilities {
public:
    int version = 7;
    int restriction = 0; // the error that a restriction gives
    int filters = 0;     // likewise
    int privileges = 0;  // likewise
    int threads = 1;
    bool filtered_all = false;
    std::size_t instructions = 0;

    int landlock_version() override { return version > 0 ? version : fail(ENOSYS); }
    int create_ruleset(std::uint64_t) override { return ::open("/dev/null", O_RDONLY | O_CLOEXEC); }
    int restrict_self(int) override { return restriction != 0 ? fail(restriction) : 0; }
    int set_no_new_privileges() override { return privileges != 0 ? fail(privileges) : 0; }
    int set_filter(const sock_fprog& program, bool all) override {
        filtered_all = all;
        instructions = program.len;
        return filters != 0 ? fail(filters) : 0;
    }
    int thread_count() override { return threads; }

private:
    static int fail(int error) {
        errno = error;
        return -1;
    }
};

std::string refusal(const confinement& c, kernel_facilities& kernel) {
    try {
        confine(c, confined::process, kernel);
    } catch (const ferry::sandbox_error& e) {
        return e.what();
    }
    return "";
}

bool mentions(const std::string& text, const std::string& word) {
    return text.find(word) != std::string::npos;
}

// A folder with one file in it.
class folder {
public:
    folder()
        : path_(std::filesystem::temp_directory_path() /
                ("ferry-confinement-" + std::to_string(::getpid()))) {
        std::filesystem::create_directory(path_);
        std::ofstream(path_ / "file") << "content\n";
    }
    ~folder() { std::filesystem::remove_all(path_); }
    std::string operator/(const char* name) const { return (path_ / name).string(); }

private:
    std::filesystem::path path_;
};

int refused(long result) { return result < 0 && (errno == EACCES || errno == EPERM) ? 0 : 1; }

// Runs it in a thread that is confined; how many of its steps went wrong. The process is not.
template <class F>
int confined_thread(const confinement& c, F steps) {
    int wrong = -1;
    std::thread([&] {
        try {
            confine(c, confined::thread, kernel_facilities::real());
            wrong = steps();
        } catch (const ferry::sandbox_error& e) {
            BOOST_TEST_MESSAGE(e.what());
        }
    }).join();
    return wrong;
}

} // namespace

BOOST_AUTO_TEST_CASE(what_is_not_asked_for_touches_no_kernel) {
    poor_kernel kernel;
    kernel.version = 0;
    kernel.filters = kernel.privileges = ENOSYS;
    BOOST_TEST(refusal({}, kernel) == "");
}

BOOST_AUTO_TEST_CASE(without_landlock_read_only_is_refused_and_the_rest_is_not) {
    poor_kernel kernel;
    kernel.version = 0;
    const auto text = refusal({sandbox::read_only}, kernel);
    BOOST_TEST(mentions(text, "read_only"));
    BOOST_TEST(mentions(text, "Landlock"));
    BOOST_TEST(kernel.instructions == 0u); // nothing half done
    BOOST_TEST(refusal({sandbox::no_network | sandbox::no_exec}, kernel) == "");
}

BOOST_AUTO_TEST_CASE(a_restriction_that_fails_is_refused) {
    poor_kernel kernel;
    kernel.restriction = E2BIG;
    BOOST_TEST(mentions(refusal({sandbox::read_only}, kernel), "Landlock"));
}

BOOST_AUTO_TEST_CASE(without_seccomp_each_that_needs_it_is_named) {
    poor_kernel kernel;
    kernel.filters = EINVAL;
    BOOST_TEST(mentions(refusal({sandbox::no_network}, kernel), "no_network by seccomp"));
    BOOST_TEST(mentions(refusal({sandbox::read_only}, kernel), "read_only by seccomp"));
    BOOST_TEST(mentions(refusal({sandbox::no_exec}, kernel), "no_exec by seccomp"));
    BOOST_TEST(mentions(refusal({sandbox::none, true}, kernel), "limits.processes by seccomp"));
    const auto text = refusal({sandbox::no_exec | sandbox::no_network}, kernel);
    BOOST_TEST(mentions(text, "no_network"));
    BOOST_TEST(mentions(text, "no_exec"));
    BOOST_TEST(refusal({sandbox::no_new_privileges}, kernel) == "");
}

BOOST_AUTO_TEST_CASE(without_no_new_privileges_nothing_is_enforced) {
    poor_kernel kernel;
    kernel.privileges = EINVAL;
    for (const auto s : {sandbox::no_new_privileges, sandbox::no_exec, sandbox::read_only})
        BOOST_TEST(mentions(refusal({s}, kernel), "no_new_privileges"));
}

BOOST_AUTO_TEST_CASE(a_filter_is_for_all_threads_of_the_process) {
    poor_kernel kernel;
    BOOST_TEST(refusal({sandbox::read_only}, kernel) == "");
    BOOST_TEST(kernel.filtered_all);
    const auto alone = kernel.instructions;
    kernel.threads = 2; // the other one does not obey Landlock, so the filter forbids more
    BOOST_TEST(refusal({sandbox::read_only}, kernel) == "");
    BOOST_TEST(kernel.instructions > alone);
    kernel.threads = 1;
    kernel.version = 2; // which cannot forbid to truncate a file that is opened for reading
    BOOST_TEST(refusal({sandbox::read_only}, kernel) == "");
    BOOST_TEST(kernel.instructions > alone);
}

BOOST_AUTO_TEST_CASE(a_probe_finds_out_by_trying_and_changes_nothing) {
    const folder there;
    check_confinement({sandbox::read_only | sandbox::no_network | sandbox::no_exec, true});
    BOOST_TEST(::prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 0);
    BOOST_TEST(::prctl(PR_GET_SECCOMP) == 0);
    std::ofstream file(there / "another");
    BOOST_TEST(file.is_open());
    const int s = ::socket(AF_INET, SOCK_STREAM, 0);
    BOOST_TEST(s >= 0);
    ::close(s);
    poor_kernel kernel; // which says yes and does nothing
    for (const auto asked : {sandbox::read_only, sandbox::no_network, sandbox::no_exec})
        BOOST_CHECK_THROW(check_confinement({asked}, kernel), ferry::sandbox_error);
    BOOST_CHECK_THROW(check_confinement({sandbox::none, true}, kernel), ferry::sandbox_error);
}

BOOST_AUTO_TEST_CASE(no_network_refuses_every_socket_but_a_pair) {
    const int wrong = confined_thread({sandbox::no_network}, [] {
        int n = 0;
        for (const int family : {AF_INET, AF_INET6, AF_UNIX, AF_NETLINK})
            n += refused(::socket(family, SOCK_DGRAM, 0));
        int pair[2];
        n += ::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0 ? 1 : 0;
        char c = 'x';
        n += ::send(pair[0], &c, 1, 0) != 1 || ::recv(pair[1], &c, 1, 0) != 1 ? 1 : 0;
        ::close(pair[0]);
        ::close(pair[1]);
        n += refused(::syscall(SYS_io_uring_setup, 1, nullptr));
        return n;
    });
    BOOST_TEST(wrong == 0);
}

BOOST_AUTO_TEST_CASE(read_only_leaves_the_files_as_they_are) {
    const folder there;
    const std::string file = there / "file";
    const std::string other = there / "other";
    const int open_before = ::open((there / "open").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    const int wrong = confined_thread({sandbox::read_only}, [&] {
        const char* const f = file.c_str();
        const char* const o = other.c_str();
        int n = 0;
        n += refused(::open(f, O_WRONLY));
        n += refused(::open(f, O_RDWR));
        n += refused(::open(f, O_RDONLY | O_TRUNC));
        n += refused(::open(o, O_WRONLY | O_CREAT, 0600));
        n += refused(::open((there / ".").c_str(), O_TMPFILE | O_RDWR, 0600));
        std::uint64_t how[3] = {O_RDWR | O_CREAT, 0600, 0};
        n += refused(::syscall(SYS_openat2, AT_FDCWD, o, how, sizeof how));
        how[0] = O_RDONLY | O_TRUNC;
        how[1] = 0;
        n += refused(::syscall(SYS_openat2, AT_FDCWD, f, how, sizeof how));
        n += refused(::truncate(f, 0));
        n += refused(::rename(f, o));
        n += refused(::link(f, o));
        n += refused(::symlink(f, o));
        n += refused(::unlink(f));
        n += refused(::mkdir(o, 0700));
        n += refused(::rmdir((there / ".").c_str()));
        n += refused(::mkfifo(o, 0600));
        n += refused(::chmod(f, 0777));
        n += refused(::chown(f, ::getuid(), ::getgid()));
        n += refused(::utimensat(AT_FDCWD, f, nullptr, 0));
        const int reads = ::open(f, O_RDONLY | O_CLOEXEC);
        n += reads < 0 ? 1 : 0;
        n += refused(::fchmod(reads, 0777));
        n += refused(::fchown(reads, ::getuid(), ::getgid()));
        n += refused(::futimens(reads, nullptr));
        int flags = 0;
        n += refused(::ioctl(reads, 0x40086602, &flags)); // FS_IOC_SETFLAGS
        ::close(reads);
        sockaddr_un name{AF_UNIX, {}};
        other.copy(name.sun_path, sizeof name.sun_path - 1);
        const int s = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        n += refused(::bind(s, reinterpret_cast<const sockaddr*>(&name), sizeof name));
        ::close(s);
        // What was open before, and what has no name, can still be written to.
        n += ::write(open_before, "x", 1) != 1 || ::ftruncate(open_before, 0) != 0 ? 1 : 0;
        const int m = ::memfd_create("mine", MFD_CLOEXEC);
        n += ::ftruncate(m, 4096) != 0 || ::write(m, "x", 1) != 1 ? 1 : 0;
        ::close(m);
        return n;
    });
    ::close(open_before);
    BOOST_TEST(wrong == 0);
    BOOST_TEST(!std::filesystem::exists(other));
    BOOST_TEST(std::filesystem::file_size(file) == 8u);
}

BOOST_AUTO_TEST_CASE(no_exec_refuses_programs) {
    const int wrong = confined_thread({sandbox::no_exec}, [] {
        char name[] = "true";
        char* const arguments[] = {name, nullptr};
        const int file = ::open("/bin/true", O_RDONLY | O_CLOEXEC);
        const int n = refused(::execve("/bin/true", arguments, nullptr)) +
                      refused(::syscall(SYS_execveat, file, "", arguments, nullptr, AT_EMPTY_PATH));
        ::close(file);
        return n;
    });
    BOOST_TEST(wrong == 0);
}

BOOST_AUTO_TEST_CASE(no_processes_refuses_all_ways_to_start_one_and_allows_threads) {
    const int wrong = confined_thread({sandbox::none, true}, [] {
        const auto start = [](auto how) {
            const long pid = how();
            if (pid == 0)
                ::_exit(0);
            const int r = refused(pid);
            if (pid > 0)
                ::waitpid(static_cast<int>(pid), nullptr, 0);
            return r;
        };
        int n = start([] { return long(::fork()); });
        n +=
            start([] { return ::syscall(SYS_clone, SIGCHLD, nullptr, nullptr, nullptr, nullptr); });
#ifdef SYS_fork
        n += start([] { return ::syscall(SYS_fork); });
#endif
        int ran = 0;
        std::thread([&ran] { ran = 1; }).join();
        return n + (ran == 1 ? 0 : 1);
    });
    BOOST_TEST(wrong == 0);
}

BOOST_AUTO_TEST_CASE(programs_gain_no_privileges) {
    const int wrong = confined_thread({sandbox::no_new_privileges}, [] {
        return ::prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1 ? 0 : 1;
    });
    BOOST_TEST(wrong == 0);
}

#if defined(__x86_64__)
BOOST_AUTO_TEST_CASE(the_calls_of_32_bits_are_no_way_around) {
    const int wrong = confined_thread({sandbox::no_network}, [] {
        long result = 359; // socket
        asm volatile("int $0x80"
                     : "+a"(result)
                     : "b"(2L), "c"(1L), "d"(0L)
                     : "memory", "r8", "r9", "r10", "r11");
        return result == -EPERM ? 0 : 1;
    });
    BOOST_TEST(wrong == 0);
}
#endif

BOOST_AUTO_TEST_CASE(a_filter_around_that_takes_landlock_away_is_found_out) {
    std::string text;
    std::thread([&text] {
        if (!take_away(landlock_call))
            return;
        try {
            check_confinement({sandbox::read_only});
        } catch (const ferry::sandbox_error& e) {
            text = e.what();
        }
    }).join();
    BOOST_TEST(mentions(text, "Landlock"));
}
