// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <ferry/process/options.hpp>

#include "syscall_filter.hpp"

#include <cstdint>
#include <string>

struct sock_fprog;

namespace ferry::detail {

/// What the kernel offers for the confinement of a thread or a process; tests replace it by one
/// that lacks something. Each gives -1 and sets errno where it fails, as the system calls do.
class kernel_facilities {
public:
    virtual ~kernel_facilities() = default;
    /// The version of Landlock.
    virtual int landlock_version() = 0;
    /// Makes a set of rules that handles those kinds of access, and allows none.
    virtual int create_ruleset(std::uint64_t accesses) = 0;
    /// The calling thread obeys the rules from now on.
    virtual int restrict_self(int ruleset) = 0;
    virtual int set_no_new_privileges() = 0;
    /// Installs a filter in the calling thread, or in all threads.
    virtual int set_filter(const sock_fprog& program, bool all_threads) = 0;
    /// Number of threads of this process; -1 where it is not known.
    virtual int thread_count() = 0;

    static kernel_facilities& real() noexcept;
};

/// What a worker process is kept from, as it is told.
struct confinement {
    ferry::sandbox sandbox = ferry::sandbox::none;
    bool no_processes = false;

    explicit operator bool() const noexcept {
        return sandbox != ferry::sandbox::none || no_processes;
    }
};

/// Confines the calling thread, or the whole process with all its threads; for good.
/// Errors: `sandbox_error` that names what cannot be enforced and why.
enum class confined { thread, process };
void confine(const confinement& c, confined what, kernel_facilities& kernel);

/// Finds out whether this kernel can enforce it, by a thread that confines itself, tries what it
/// must not do, and ends. Nothing else of this process changes. Errors: as `confine`.
void check_confinement(const confinement& c, kernel_facilities& kernel = kernel_facilities::real());

} // namespace ferry::detail
