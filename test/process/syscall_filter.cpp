// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
// The filters for system calls, run by a small machine of this test: no kernel takes part.
#include "process/syscall_filter.hpp"

#define BOOST_TEST_MODULE syscall_filter
#include <boost/test/unit_test.hpp>

#include <array>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stdexcept>
#include <sys/socket.h>
#include <sys/syscall.h>

namespace {

using namespace ferry::detail;

using arguments = std::array<std::uint64_t, 6>;

// What the program says about a call: 0 where it may pass, or the error that it gets.
int answer(const std::vector<sock_filter>& program, std::uint32_t architecture, long call,
           const arguments& args = {}) {
    seccomp_data data{};
    data.nr = static_cast<int>(call);
    data.arch = architecture;
    std::copy(args.begin(), args.end(), data.args);
    std::uint32_t a = 0;
    for (std::size_t at = 0;;) {
        const sock_filter& i = program.at(at++);
        switch (i.code) {
        case BPF_LD | BPF_W | BPF_ABS:
            BOOST_REQUIRE(i.k + sizeof a <= sizeof data);
            std::memcpy(&a, reinterpret_cast<const char*>(&data) + i.k, sizeof a);
            break;
        case BPF_JMP | BPF_JEQ | BPF_K: at += a == i.k ? i.jt : i.jf; break;
        case BPF_JMP | BPF_JGE | BPF_K: at += a >= i.k ? i.jt : i.jf; break;
        case BPF_JMP | BPF_JSET | BPF_K: at += (a & i.k) != 0 ? i.jt : i.jf; break;
        case BPF_RET | BPF_K:
            if (i.k == SECCOMP_RET_ALLOW)
                return 0;
            BOOST_REQUIRE((i.k & SECCOMP_RET_ACTION_FULL) == SECCOMP_RET_ERRNO);
            return static_cast<int>(i.k & SECCOMP_RET_DATA);
        default: throw std::logic_error("an instruction that no filter needs");
        }
    }
}

class filter {
public:
    explicit filter(const forbidden_calls& f) : program_(assemble(rules_for(f))) {}
    int operator()(long call, const arguments& args = {}) const {
        return answer(program_, filter_architecture(), call, args);
    }
    const std::vector<sock_filter>& program() const { return program_; }

private:
    std::vector<sock_filter> program_;
};

constexpr forbidden_calls nothing{};
constexpr forbidden_calls network{.network = true};
constexpr forbidden_calls writing{.writing = true};
constexpr forbidden_calls executing{.executing = true};
constexpr forbidden_calls processes{.processes = true};
constexpr forbidden_calls everything{true, true, true, true, true};

} // namespace

BOOST_AUTO_TEST_CASE(a_filter_that_forbids_nothing_lets_everything_of_its_own_table_pass) {
    const filter f(nothing);
    for (long call = 0; call < 600; ++call)
        BOOST_TEST(f(call) == 0);
}

BOOST_AUTO_TEST_CASE(calls_of_another_table_fail_whatever_their_number) {
    for (const auto& forbidden : {nothing, everything}) {
        const filter f(forbidden);
        for (const std::uint32_t other : {AUDIT_ARCH_I386, AUDIT_ARCH_ARM, AUDIT_ARCH_RISCV32}) {
            for (long call = 0; call < 600; ++call)
                BOOST_TEST(answer(f.program(), other, call) == EPERM);
        }
#if defined(__x86_64__)
        for (long call = 0; call < 600; ++call)
            BOOST_TEST(f(call | 0x40000000) == EPERM);
#endif
    }
}

BOOST_AUTO_TEST_CASE(no_network_leaves_pairs_of_local_sockets) {
    const filter f(network);
    for (const std::uint64_t family : {AF_UNIX, AF_INET, AF_INET6, AF_NETLINK, AF_PACKET})
        BOOST_TEST(f(SYS_socket, {family, SOCK_STREAM}) == EACCES);
    BOOST_TEST(f(SYS_socketpair, {AF_UNIX, SOCK_STREAM}) == 0);
    BOOST_TEST(f(SYS_socketpair, {AF_TIPC, SOCK_STREAM}) == EACCES);
    BOOST_TEST(f(SYS_connect, {3}) == EACCES);
    BOOST_TEST(f(SYS_sendto, {3, 0, 1, 0, 0, 0}) == 0);
    BOOST_TEST(f(SYS_sendto, {3, 0, 1, 0, 0x7fff0000, 110}) == EACCES);
    BOOST_TEST(f(SYS_sendmsg, {3}) == 0);
    BOOST_TEST(f(SYS_openat, {0, 0, O_RDWR | O_CREAT}) == 0);
    BOOST_TEST(f(SYS_execve) == 0);
}

BOOST_AUTO_TEST_CASE(read_only_looks_at_the_flags_of_what_opens) {
    const filter f(writing);
    BOOST_TEST(f(SYS_openat, {0, 0, O_RDONLY | O_CLOEXEC | O_DIRECTORY}) == 0);
    for (const std::uint64_t flags :
         {O_WRONLY, O_RDWR, O_RDONLY | O_CREAT, O_RDONLY | O_TRUNC, O_TMPFILE | O_RDWR})
        BOOST_TEST(f(SYS_openat, {0, 0, flags}) == EACCES);
    // What stands in the upper half does not matter to the kernel either.
    BOOST_TEST(f(SYS_openat, {0, 0, 0xffffffff00000000}) == 0);
#ifdef SYS_open
    BOOST_TEST(f(SYS_open, {0, O_RDONLY}) == 0);
    BOOST_TEST(f(SYS_open, {0, O_WRONLY}) == EACCES);
    BOOST_TEST(f(SYS_creat) == EACCES);
    for (const long call : {SYS_rename, SYS_unlink, SYS_rmdir, SYS_mkdir, SYS_link, SYS_symlink,
                            SYS_chmod, SYS_chown, SYS_lchown, SYS_utime, SYS_utimes, SYS_mknod})
        BOOST_TEST(f(call) == EPERM);
#endif
    for (const long call :
         {SYS_truncate, SYS_renameat2, SYS_unlinkat, SYS_mkdirat, SYS_linkat, SYS_symlinkat,
          SYS_fchmod, SYS_fchmodat, int(call_fchmodat2), SYS_fchown, SYS_fchownat, SYS_utimensat,
          SYS_setxattr, SYS_fsetxattr, SYS_removexattr, int(call_file_setattr)})
        BOOST_TEST(f(call) == EPERM);
    BOOST_TEST(f(SYS_ioctl, {3, 0x40086602}) == EPERM);
    BOOST_TEST(f(SYS_ioctl, {3, 0x5413}) == 0);
    for (const long call : {SYS_ftruncate, SYS_write, SYS_pwrite64, SYS_fallocate, SYS_memfd_create,
                            SYS_mmap, SYS_fcntl, SYS_socket, SYS_execve, SYS_read, SYS_fstat})
        BOOST_TEST(f(call) == 0);
}

BOOST_AUTO_TEST_CASE(what_tells_a_file_in_memory_only_is_left_to_landlock_where_that_can_look) {
    BOOST_TEST(filter(writing)(call_openat2) == 0);
    BOOST_TEST(filter(writing)(SYS_bind) == 0);
    const filter f({.writing = true, .unreadable_paths = true});
    BOOST_TEST(f(call_openat2) == EPERM);
    BOOST_TEST(f(SYS_bind) == EPERM);
}

BOOST_AUTO_TEST_CASE(no_exec_forbids_both_calls) {
    const filter f(executing);
    BOOST_TEST(f(SYS_execve) == EPERM);
    BOOST_TEST(f(SYS_execveat) == EPERM);
    BOOST_TEST(f(SYS_clone) == 0);
}

BOOST_AUTO_TEST_CASE(no_processes_still_allows_threads) {
    const filter f(processes);
    BOOST_TEST(f(SYS_clone, {CLONE_THREAD | CLONE_VM | CLONE_SIGHAND}) == 0);
    BOOST_TEST(f(SYS_clone, {CLONE_VM | CLONE_VFORK}) == EPERM);
    BOOST_TEST(f(SYS_clone, {17}) == EPERM); // fork, as the C library does it
    BOOST_TEST(f(call_clone3) == ENOSYS);
#ifdef SYS_fork
    BOOST_TEST(f(SYS_fork) == EPERM);
    BOOST_TEST(f(SYS_vfork) == EPERM);
#endif
    BOOST_TEST(f(SYS_io_uring_setup) == 0);
}

BOOST_AUTO_TEST_CASE(no_detour_is_left_by_rings_or_through_other_processes) {
    for (const auto& forbidden : {network, writing, executing, everything}) {
        const filter f(forbidden);
        for (const long call :
             {SYS_io_uring_setup, SYS_ptrace, SYS_process_vm_writev, int(call_pidfd_getfd)})
            BOOST_TEST(f(call) == EPERM);
    }
}
