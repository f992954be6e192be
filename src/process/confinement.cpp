// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include "confinement.hpp"

#include "signals_blocked.hpp"
#include "support/descriptor.hpp"

#include <cerrno>
#include <cstring>
#include <dirent.h>
#include <exception>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <thread>
#include <unistd.h>

namespace ferry::detail {
namespace {

// Landlock's system calls and kinds of access, which the headers of many systems do not have yet.
constexpr long call_create_ruleset = 444;
constexpr long call_restrict_self = 446;
constexpr std::uint32_t ask_for_version = 1;
constexpr std::uint64_t access_write_file = 1 << 1;
constexpr std::uint64_t access_remove_and_make = 0x1ff0; // REMOVE_DIR to MAKE_SYM
constexpr std::uint64_t access_refer = 1 << 13;
constexpr std::uint64_t access_truncate = 1 << 14;
constexpr int version_with_refer = 2;
constexpr int version_with_truncate = 3;

class real_kernel final : public kernel_facilities {
public:
    int landlock_version() override {
        return static_cast<int>(::syscall(call_create_ruleset, nullptr, 0, ask_for_version));
    }
    int create_ruleset(std::uint64_t accesses) override {
        return static_cast<int>(::syscall(call_create_ruleset, &accesses, sizeof accesses, 0));
    }
    int restrict_self(int ruleset) override {
        return static_cast<int>(::syscall(call_restrict_self, ruleset, 0));
    }
    int set_no_new_privileges() override { return ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); }
    int set_filter(const sock_fprog& program, bool all_threads) override {
        const long r = ::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER,
                                 all_threads ? SECCOMP_FILTER_FLAG_TSYNC : 0, &program);
        if (r > 0) { // the number of a thread that has a filter of its own
            errno = EBUSY;
            return -1;
        }
        return static_cast<int>(r);
    }
    int thread_count() override {
        DIR* const list = ::opendir("/proc/self/task");
        if (list == nullptr)
            return -1;
        int n = 0;
        while (const dirent* const entry = ::readdir(list))
            n += entry->d_name[0] != '.' ? 1 : 0;
        ::closedir(list);
        return n;
    }
};

bool has(ferry::sandbox s, ferry::sandbox bit) noexcept {
    return (s & bit) != ferry::sandbox::none;
}

[[noreturn]] void refuse(const std::string& what, int error) {
    throw sandbox_error("this kernel cannot enforce " + what +
                        (error != 0 ? std::string(": ") + std::strerror(error) : ""));
}

void restrict_by_landlock(int version, kernel_facilities& kernel) {
    std::uint64_t accesses = access_write_file | access_remove_and_make;
    accesses |= version >= version_with_refer ? access_refer : 0;
    accesses |= version >= version_with_truncate ? access_truncate : 0;
    const descriptor rules(kernel.create_ruleset(accesses));
    if (!rules || kernel.restrict_self(rules.get()) != 0)
        refuse("sandbox::read_only by Landlock", errno);
}

std::string names_of(const confinement& c) {
    std::string names;
    const auto add = [&names](bool is, const char* name) {
        if (is)
            names += (names.empty() ? "" : ", ") + std::string(name);
    };
    add(has(c.sandbox, sandbox::no_network), "sandbox::no_network");
    add(has(c.sandbox, sandbox::read_only), "sandbox::read_only");
    add(has(c.sandbox, sandbox::no_exec), "sandbox::no_exec");
    add(c.no_processes, "limits.processes");
    return names;
}

// Makes calls that the confinement must refuse. If one of them were allowed, it would change
// nothing.
void try_out(const confinement& c) {
    const auto must_fail = [](long result, const char* what) {
        if (result >= 0 || (errno != EPERM && errno != EACCES))
            refuse(what, 0);
    };
    if (has(c.sandbox, sandbox::no_network)) {
        const descriptor s(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
        must_fail(s.get(), "sandbox::no_network by seccomp");
    }
    if (has(c.sandbox, sandbox::read_only)) {
        must_fail(::fchmodat(AT_FDCWD, "", 0, 0), "sandbox::read_only by seccomp");
        std::uint64_t how[3] = {O_WRONLY | O_CLOEXEC, 0, 0}; // in memory, which no filter reads
        const descriptor null(
            static_cast<int>(::syscall(call_openat2, AT_FDCWD, "/dev/null", how, sizeof how)));
        if (null || errno != ENOSYS)
            must_fail(null.get(), "sandbox::read_only by Landlock");
    }
    if (has(c.sandbox, sandbox::no_exec))
        must_fail(::syscall(SYS_execve, "", nullptr, nullptr), "sandbox::no_exec by seccomp");
    if (c.no_processes) // with flags with which the kernel starts no process
        must_fail(::syscall(SYS_clone, CLONE_SIGHAND, nullptr, nullptr, nullptr, nullptr),
                  "limits.processes by seccomp");
}

} // namespace

kernel_facilities& kernel_facilities::real() noexcept {
    static real_kernel kernel;
    return kernel;
}

void confine(const confinement& c, confined what, kernel_facilities& kernel) {
    if (!c)
        return;
    // Landlock confines the calling thread and those that it starts; a filter can confine all.
    const bool alone = what == confined::thread || kernel.thread_count() == 1;
    const bool read_only = has(c.sandbox, sandbox::read_only);
    const int landlock = read_only ? kernel.landlock_version() : 0;
    if (read_only && landlock < 1)
        refuse("sandbox::read_only, since it has no Landlock", errno);
    const forbidden_calls forbidden{
        .network = has(c.sandbox, sandbox::no_network),
        .writing = has(c.sandbox, sandbox::read_only),
        .executing = has(c.sandbox, sandbox::no_exec),
        .processes = c.no_processes,
        .unreadable_paths = !alone || landlock < version_with_truncate,
    };
    if (kernel.set_no_new_privileges() != 0)
        refuse("sandbox::no_new_privileges", errno);
    if (has(c.sandbox, sandbox::read_only))
        restrict_by_landlock(landlock, kernel);
    if (!forbidden && alone)
        return;
    if (filter_architecture() == 0)
        refuse(names_of(c) + " by seccomp: the system calls of this architecture are not known", 0);
    auto program = assemble(rules_for(forbidden));
    const sock_fprog all{static_cast<unsigned short>(program.size()), program.data()};
    if (kernel.set_filter(all, what == confined::process) != 0)
        refuse(names_of(c) + " by seccomp", errno);
}

void check_confinement(const confinement& c, kernel_facilities& kernel) {
    if (!c)
        return;
    std::exception_ptr error;
    {
        const signals_blocked quiet;
        std::thread([&] {
            try {
                confine(c, confined::thread, kernel);
                try_out(c);
            } catch (...) {
                error = std::current_exception();
            }
        }).join();
    }
    if (error != nullptr)
        std::rethrow_exception(error);
}

} // namespace ferry::detail
