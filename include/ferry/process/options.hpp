// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <ferry/process/detail/task.hpp>
#include <ferry/thread_pool.hpp>

#include <chrono>
#include <cstddef>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace ferry {
namespace detail {
class process_core;
class worker_factory;
} // namespace detail

/// A function with arguments that each worker process calls once before its first task: `{fn,
/// args...}`. It is serialized at construction: later changes to the arguments have no effect.
class process_initializer {
public:
    /// Makes an initializer that does nothing.
    process_initializer() noexcept = default;
    /// Makes an initializer that calls `fn(args...)`. Rethrows serialization errors.
    template <class F, class... A>
        requires(!std::is_same_v<std::remove_cvref_t<F>, process_initializer> &&
                 process_offloadable<F, A...>)
    process_initializer(F&& fn, A&&... args)
        : call_(detail::encode_initializer<std::decay_t<F>>(fn, args...)) {}

    /// Returns true if there is a function to call.
    explicit operator bool() const noexcept { return call_ != nullptr; }

private:
    friend class detail::worker_factory;
    std::shared_ptr<const detail::encoded_initializer> call_;
};

/// Limits for each call in a worker process; 0 or absent means no limit.
///
/// `memory`, `cpu_time` and `file_size` end the worker, and the call fails with
/// `resource_limit_error`; the others make a system call of the task fail.
///
/// @par Errors
/// The constructor of the pool throws `sandbox_error` that names a limit which this kernel cannot
/// enforce.
///
/// A limit is against accidents. It does not keep a task from exhausting what the limit does not
/// count: the kernel's memory for sockets and pipes, memory shared with other processes, the disk
/// by many small files, the memory and processor time of processes that it starts (see
/// `processes`). Between two samples a task may exceed `memory` by what it can touch in 10 ms. A
/// task may raise the limits for files again by `setrlimit`.
struct worker_limits {
    /// Resident and swapped anonymous memory of the worker, in bytes. The parent samples it every
    /// 10 ms; a `std::bad_alloc` that leaves the call counts as well, except under a sanitizer.
    std::size_t memory = 0;
    /// Processor time of the worker since the call began, to 20 ms.
    timeout cpu_time = {};
    /// Number of open files: the call's own `open` fails beyond it.
    std::size_t open_files = 0;
    /// Size in bytes of each file that the call writes.
    std::size_t file_size = 0;
    /// Number of processes that the call may start: 0, none (threads are allowed), or absent. A
    /// larger number needs a writable `pids` control group, which counts the call's own threads
    /// too.
    std::optional<std::size_t> processes = {};
};

/// Restrictions for worker processes; a bit mask. A violation is an error of the call's own
/// system call (`EACCES` or `EPERM`), not its death.
///
/// A worker confines itself, for good and with all its threads, before it runs the initializer and
/// the first task: by Landlock, and by a filter for system calls (seccomp). Processes that a task
/// starts are confined likewise. System calls of another architecture's table, `io_uring`, and
/// access to other processes by `ptrace`, `process_vm_writev` and `pidfd_getfd` are refused as
/// well.
///
/// A sandbox does not protect from:
/// - code that runs before `run_worker_if_spawned` in `main`: constructors of static objects;
/// - reading: every file that the user may read, and the environment;
/// - signals to other processes of the same user, changes of their priorities and limits;
/// - what descriptors can do that were open when the worker started: its standard output and error;
/// - other ways to communicate: System V shared memory and semaphores, and with `read_only`
///   sockets, with `no_network` files and named pipes that somebody else reads;
/// - `no_exec`: code that the task itself maps into its memory, or loads as a shared library;
/// - exhausting the machine (see `worker_limits`);
/// - timing and other side channels, and faults of the kernel;
/// - a worker that runs as root, or with capabilities: it can mount, load modules and trace. Run
///   what you do not trust as an ordinary user.
///
/// @par Errors
/// A restriction that this kernel cannot enforce makes the constructor of the pool throw
/// `sandbox_error` naming it. The constructor finds out by starting a thread that confines itself,
/// tries, and ends.
enum class sandbox : unsigned {
    none = 0,              ///< nothing
    no_network = 1,        ///< no socket but pairs of AF_UNIX can be made
    read_only = 2,         ///< no file is created, changed, renamed or removed
    no_exec = 4,           ///< no program can be executed
    no_new_privileges = 8, ///< no program gains privileges; implied by each of the others
};

constexpr sandbox operator|(sandbox a, sandbox b) noexcept {
    return static_cast<sandbox>(static_cast<unsigned>(a) | static_cast<unsigned>(b));
}
constexpr sandbox operator&(sandbox a, sandbox b) noexcept {
    return static_cast<sandbox>(static_cast<unsigned>(a) & static_cast<unsigned>(b));
}
constexpr sandbox& operator|=(sandbox& a, sandbox b) noexcept { return a = a | b; }

/// Options for a pool of worker processes.
///
/// @par Errors
/// A value out of range makes the constructor throw `std::invalid_argument` naming the option.
struct process_pool_options {
    /// Maximum number of worker processes, in the range [1, 65536]. Default: `cpu_bound_workers()`.
    std::size_t max_workers = cpu_bound_workers();
    /// Function that each worker calls once before its first task, replacements included. If it
    /// keeps failing, by an exception or a crash, while no worker lives, the pool breaks: after
    /// half a second, or after two seconds if the failures give no reason or workers cannot be
    /// started at all. Default: none.
    process_initializer initializer = {};
    /// Number of tasks after which a worker is replaced; 0 (the default) means never.
    std::size_t max_tasks_per_child = 0;
    /// Grace period between SIGTERM and SIGKILL when a worker has to be ended, and between a stop
    /// request and SIGTERM for a running call that takes a stop token. An unlimited timeout never
    /// escalates. Default: 3 s.
    timeout kill_grace = std::chrono::seconds(3);
    /// Variables added to the workers' environment; they override inherited variables of the same
    /// name. Default: none.
    std::map<std::string, std::string> environment = {};
    /// Working directory of the workers; if empty (the default), that of this process when a worker
    /// is started.
    std::filesystem::path working_directory = {};
    /// Name of the pool in reports. Default: `process-N`, unique per pool.
    std::string name = {};
    /// Maximum number of queued tasks; 0 (the default) means unlimited.
    std::size_t max_queue = 0;
    /// Maximum sum of the queued tasks' encoded arguments and `task_options::bytes`; 0 (the
    /// default) means unlimited. A task that exceeds it alone is refused at once.
    std::size_t max_queue_bytes = 0;
    /// Longest wait for a worker, as in `thread_pool_options`. Default: none.
    timeout max_wait = {};
    /// Action for a task that finds the queue full. Default: block.
    ferry::when_full when_full = ferry::when_full::block;
    /// A worker that stays idle for this long ends; a new one is started on demand. Default:
    /// workers never end.
    timeout idle_timeout = {};
    /// Function that each worker calls once before it ends in an orderly way: at the shutdown of
    /// the pool, or when it is replaced or idle for too long. It has the time of `kill_grace`; an
    /// exception that it throws goes to the handler of `set_unhandled_callback` in the worker.
    /// Default: none.
    process_initializer finalizer = {};
    /// Resident memory in bytes that a worker may keep after a task; one that keeps more is
    /// replaced. 0 (the default) means unlimited.
    std::size_t max_memory_per_child = 0;
    /// Limits for each call. Default: none.
    worker_limits limits = {};
    /// Restrictions for the workers. Default: none.
    ferry::sandbox sandbox = ferry::sandbox::none;
    /// The program that the workers run; its `main` calls `run_worker_if_spawned`. It loads the
    /// shared libraries that the submitted functions lie in. If empty (the default), this program.
    std::filesystem::path executable = {};
    /// Arguments for `executable`. Default: none.
    std::vector<std::string> arguments = {};
    /// Number of workers that a task, told by its function and its arguments, may kill within
    /// `quarantine_time` before it is refused with `quarantined_error`. 0 (the default): any
    /// number.
    unsigned quarantine_after = 0;
    /// Time within which the deaths have to fall, and for which the task is refused after the last
    /// one. Not negative. Default: one minute.
    std::chrono::nanoseconds quarantine_time = std::chrono::seconds(60);
    /// Added to the niceness of the workers, in the range [0, 19]. Default: 0.
    int nice = 0;
    /// The processors that the workers may use; if empty (the default), those of this process.
    std::vector<int> cpus = {};
};

} // namespace ferry
