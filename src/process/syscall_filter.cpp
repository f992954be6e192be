// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include "syscall_filter.hpp"

#include <cerrno>
#include <cstddef>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <utility>

namespace ferry::detail {
namespace {

// Requests of ioctl that change the attributes of a file even if it is open only for reading.
constexpr std::uint32_t set_flags_64 = 0x40086602;
constexpr std::uint32_t set_flags_32 = 0x40046602;
constexpr std::uint32_t set_attributes = 0x401c5820;

using when = filter_rule::when;

class rule_list {
public:
    void forbid(std::uint32_t call, int error = EPERM) {
        all_.push_back({call, when::always, 0, 0, error});
    }
    template <class... Call>
    void forbid_all(Call... call) {
        (forbid(static_cast<std::uint32_t>(call)), ...);
    }
    void forbid_if(std::uint32_t call, std::uint8_t argument, when condition, std::uint32_t value,
                   int error = EPERM) {
        all_.push_back({call, condition, argument, value, error});
    }
    std::vector<filter_rule> take() && { return std::move(all_); }

private:
    std::vector<filter_rule> all_;
};

void forbid_network(rule_list& r) {
    r.forbid(SYS_socket, EACCES);
    r.forbid_if(SYS_socketpair, 0, when::not_equal, AF_UNIX, EACCES);
    // socketpair is allowed, so a socket of a pair of datagram sockets must not be connected to
    // another address.
    for (const auto call : {SYS_connect, SYS_bind, SYS_listen, SYS_accept, SYS_accept4})
        r.forbid(static_cast<std::uint32_t>(call), EACCES);
    r.forbid_if(SYS_sendto, 5, when::any_bit, ~0u, EACCES); // the length of an address
}

void forbid_writing(rule_list& r, bool unreadable_paths) {
    constexpr std::uint32_t changes = O_WRONLY | O_RDWR | O_CREAT | O_TRUNC;
    r.forbid_if(SYS_openat, 2, when::any_bit, changes, EACCES);
    r.forbid_if(SYS_mq_open, 1, when::any_bit, changes, EACCES);
    r.forbid_if(SYS_open_by_handle_at, 2, when::any_bit, changes, EACCES);
    r.forbid_all(SYS_truncate, SYS_mknodat, SYS_mkdirat, SYS_unlinkat, SYS_linkat, SYS_symlinkat,
                 SYS_renameat2, SYS_fchmod, SYS_fchmodat, SYS_fchown, SYS_fchownat, SYS_utimensat,
                 SYS_setxattr, SYS_lsetxattr, SYS_fsetxattr, SYS_removexattr, SYS_lremovexattr,
                 SYS_fremovexattr, SYS_mq_unlink, SYS_acct, SYS_swapon, call_fchmodat2,
                 call_setxattrat, call_removexattrat, call_file_setattr);
#ifdef SYS_renameat
    r.forbid(SYS_renameat);
#endif
#ifdef SYS_open // the calls of older machines
    r.forbid_if(SYS_open, 1, when::any_bit, changes, EACCES);
    r.forbid(SYS_creat, EACCES);
    r.forbid_all(SYS_mknod, SYS_mkdir, SYS_rmdir, SYS_unlink, SYS_link, SYS_symlink, SYS_rename,
                 SYS_chmod, SYS_chown, SYS_lchown, SYS_utime, SYS_utimes, SYS_futimesat);
#endif
    for (const auto request : {set_flags_64, set_flags_32, set_attributes})
        r.forbid_if(SYS_ioctl, 1, when::equal, request);
    if (unreadable_paths)
        r.forbid_all(call_openat2, SYS_bind);
}

void forbid_processes(rule_list& r) {
#ifdef SYS_fork
    r.forbid_all(SYS_fork, SYS_vfork);
#endif
    r.forbid_if(SYS_clone, 0, when::no_bit, CLONE_THREAD);
    // The flags of clone3 are in memory, which a filter cannot read. After ENOSYS the C library
    // calls clone.
    r.forbid(call_clone3, ENOSYS);
}

// Forbids calls by which another process, or the kernel itself, would do what is forbidden here.
void forbid_detours(rule_list& r) {
    r.forbid_all(SYS_io_uring_setup, SYS_ptrace, SYS_process_vm_writev, call_pidfd_getfd);
}

sock_filter load(std::size_t offset) {
    return BPF_STMT(BPF_LD | BPF_W | BPF_ABS, static_cast<std::uint32_t>(offset));
}
sock_filter jump(std::uint16_t test, std::uint32_t value, std::size_t yes, std::size_t no) {
    return BPF_JUMP(static_cast<std::uint16_t>(BPF_JMP | test | BPF_K), value,
                    static_cast<std::uint8_t>(yes), static_cast<std::uint8_t>(no));
}
sock_filter give(std::uint32_t action) { return BPF_STMT(BPF_RET | BPF_K, action); }
std::uint32_t error_action(int error) {
    return SECCOMP_RET_ERRNO | (static_cast<std::uint32_t>(error) & SECCOMP_RET_DATA);
}

} // namespace

std::uint32_t filter_architecture() noexcept {
#if defined(__x86_64__) && !defined(__ILP32__)
    return AUDIT_ARCH_X86_64;
#elif defined(__aarch64__) && defined(__LITTLE_ENDIAN__) || defined(__AARCH64EL__)
    return AUDIT_ARCH_AARCH64;
#elif defined(__riscv) && __riscv_xlen == 64
    return AUDIT_ARCH_RISCV64;
#else
    return 0; // the filter was not written for its table of calls or its byte order
#endif
}

std::vector<filter_rule> rules_for(const forbidden_calls& forbidden) {
    rule_list r;
    if (forbidden.network)
        forbid_network(r);
    if (forbidden.writing)
        forbid_writing(r, forbidden.unreadable_paths);
    if (forbidden.executing)
        r.forbid_all(SYS_execve, SYS_execveat);
    if (forbidden.processes)
        forbid_processes(r);
    if (forbidden.network || forbidden.writing || forbidden.executing)
        forbid_detours(r);
    return std::move(r).take();
}

std::vector<sock_filter> assemble(std::span<const filter_rule> rules) {
    std::vector<sock_filter> program{
        load(offsetof(seccomp_data, arch)), jump(BPF_JEQ, filter_architecture(), 1, 0),
        give(error_action(EPERM)),
#if defined(__x86_64__)
        load(offsetof(seccomp_data, nr)), // calls of x32, which are in a table of their own
        jump(BPF_JGE, 0x40000000, 0, 1),    give(error_action(EPERM)),
#endif
    };
    for (const auto& rule : rules) {
        // The number is loaded before each test, so that the kernel sees which calls it can let
        // pass without running the program.
        program.push_back(load(offsetof(seccomp_data, nr)));
        const bool always = rule.condition == when::always;
        program.push_back(jump(BPF_JEQ, rule.call, 0, always ? 1 : 3));
        if (!always) { // the lower half of the argument, which little-endian machines have first
            program.push_back(load(offsetof(seccomp_data, args) + std::size_t(8) * rule.argument));
            const bool bits = rule.condition == when::any_bit || rule.condition == when::no_bit;
            const bool wants_yes = rule.condition == when::any_bit || rule.condition == when::equal;
            program.push_back(
                jump(bits ? BPF_JSET : BPF_JEQ, rule.value, wants_yes ? 0 : 1, wants_yes ? 1 : 0));
        }
        program.push_back(give(error_action(rule.error)));
    }
    program.push_back(give(SECCOMP_RET_ALLOW));
    return program;
}

} // namespace ferry::detail
