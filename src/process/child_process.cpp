// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
// The only file that uses Boost.Process to start a process.
#include "child_process.hpp"

#include "boost_process.hpp"
#include "process_usage.hpp"
#include "program.hpp"
#include "signals_blocked.hpp"
#include "wire.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <csignal>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <vector>

namespace ferry::detail {
namespace {

namespace process = boost::process::v2;

// Returns the environment of this process, with variables added or replaced.
std::vector<std::string> environment_with(const std::map<std::string, std::string>& added) {
    std::vector<std::string> all;
    for (const char* const* e = ::environ; e != nullptr && *e != nullptr; ++e) {
        const std::string_view entry(*e);
        if (added.find(std::string(entry.substr(0, entry.find('=')))) == added.end())
            all.emplace_back(entry);
    }
    for (const auto& [name, value] : added)
        all.emplace_back(name).append(1, '=').append(value);
    return all;
}

// Prepares the descriptors in the child, which shares the memory of this process until it executes
// the program. Nothing here allocates.
struct prepare_worker {
    const child_options& options;
    int null;
    std::vector<const char*> environment;

    template <class Launcher, class Path, class Arguments>
    boost::system::error_code on_setup(Launcher& launcher, const Path&, const Arguments&) {
        launcher.env = environment.data();
        launcher.fd_whitelist.push_back(wire::worker_socket);
        return {};
    }
    template <class Launcher, class Path, class Arguments>
    boost::system::error_code on_exec_setup(Launcher&, const Path&, const Arguments&) const {
        if (::dup2(options.socket, wire::worker_socket) < 0 || ::dup2(null, STDIN_FILENO) < 0 ||
            ::dup2(options.standard_error, STDERR_FILENO) < 0 ||
            (!options.working_directory.empty() && ::chdir(options.working_directory.c_str()) != 0))
            return {errno, boost::system::system_category()};
        options.how_scheduled.apply();
        return {};
    }
    // Otherwise the launcher would call exit(), which runs the exit handlers of the parent.
    template <class... Arguments>
    void on_exec_error(const Arguments&...) const {
        ::_exit(127);
    }
};

// The launcher notifies the context of the fork, in the child too, where Asio would allocate and
// open descriptors although the child shares this memory. This context is never used, so it ignores
// that.
struct launch_context : boost::asio::io_context {
    void notify_fork(fork_event) noexcept {}
};

class launch_executor {
public:
    explicit launch_executor(launch_context& c) noexcept : context_(&c) {}

    launch_context& query(boost::asio::execution::context_t) const noexcept { return *context_; }
    static constexpr boost::asio::execution::blocking_t
    query(boost::asio::execution::blocking_t) noexcept {
        return boost::asio::execution::blocking.never;
    }
    template <class F>
    void execute(F&& f) const {
        boost::asio::post(context_->get_executor(), std::forward<F>(f));
    }
    bool operator==(const launch_executor&) const noexcept = default;

private:
    launch_context* context_;
};

// Asio leaks a descriptor if it can open only the first of several, so this makes sure that there
// is room for all of them.
void check_spare_descriptors(int like) {
    std::array<descriptor, 6> spare;
    for (auto& d : spare)
        d = descriptor::checked(::fcntl(like, F_DUPFD_CLOEXEC, 0), "starting a worker process");
}

// The child has not been reaped, so no other process has its number.
void end_unwatched(int pid) noexcept {
    ::kill(pid, SIGKILL);
    while (::waitpid(pid, nullptr, 0) < 0 && errno == EINTR) {
    }
}

int open_handle(int pid) noexcept { return static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)); }

} // namespace

child_process::child_process(const child_options& options) {
    std::error_code unusable;
    if (const auto& folder = options.working_directory;
        !folder.empty() && !std::filesystem::is_directory(folder, unusable))
        throw std::system_error(unusable ? unusable
                                         : std::make_error_code(std::errc::not_a_directory),
                                "starting a worker process in '" + folder.string() + "'");
    auto added = options.environment;
    added[wire::worker_variable] = std::to_string(wire::worker_socket);
    added[wire::depth_variable] = std::to_string(options.depth);
    const auto environment = environment_with(added);
    const descriptor low =
        descriptor::checked(::open("/dev/null", O_RDWR | O_CLOEXEC), "open /dev/null");
    const descriptor null = descriptor::checked(::fcntl(low.get(), F_DUPFD_CLOEXEC, 10), "fcntl");
    prepare_worker prepare{options, null.get(), {}};
    for (const auto& e : environment)
        prepare.environment.push_back(e.c_str());
    prepare.environment.push_back(nullptr);

    launch_context context;
    boost::system::error_code error;
    process::posix::vfork_launcher launch;
    const bool is_own = options.program == nullptr || options.program->file().empty();
    const program_start start =
        is_own ? start_of_this_program()
               : program_start{options.program->file().string(), options.program->arguments()};
    std::vector<const char*> arguments;
    arguments.reserve(start.arguments.size() + 1);
    for (const auto& a : start.arguments)
        arguments.push_back(a.c_str());
    arguments.push_back(nullptr);
    check_spare_descriptors(null.get());
    try {
        try {
            auto started = launch(launch_executor(context), error,
                                  std::filesystem::path(start.file), arguments.data(), prepare);
            if (!error)
                started.detach();
        } catch (const boost::system::system_error&) {
            if (launch.pid <= 0) // else the child runs, and the launcher got no handle of it
                throw;
        }
        pid_ = launch.pid;
        starters_memory_ = peak_memory_of(::getpid());
        if (!error)
            watch();
    } catch (...) {
        if (launch.pid > 0)
            end_unwatched(launch.pid);
        throw;
    }
    if (error)
        throw std::system_error(error.value(), std::system_category(),
                                options.working_directory.empty()
                                    ? "starting a worker process"
                                    : "starting a worker process in '" +
                                          options.working_directory.string() + "'");
}

// A filter of system calls may refuse handles of processes, and valgrind does not support them.
// Then a thread waits for the end of the child.
void child_process::watch() {
    const int handle = open_handle(pid_);
    const bool refused = errno == ENOSYS || errno == EPERM || errno == EACCES;
    if (handle >= 0 || !refused) {
        handle_ = descriptor::checked(handle, "pidfd_open of a worker process");
        return;
    }
    handle_ = descriptor::checked(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), "eventfd");
    const signals_blocked quiet;
    watcher_ = std::thread([this] {
        siginfo_t info{};
        while (::waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOWAIT) != 0 &&
               errno == EINTR) {
        }
        ended_.store(true);
        const std::uint64_t one = 1;
        while (::write(handle_.get(), &one, sizeof one) < 0 && errno == EINTR) {
        }
    });
}

child_process::~child_process() {
    if (!reaped_) {
        signal(SIGKILL);
        pollfd ended{handle_.get(), POLLIN, 0};
        while (::poll(&ended, 1, -1) < 0 && errno == EINTR) {
        }
        static_cast<void>(reap());
    }
    if (watcher_.joinable())
        watcher_.join();
}

void child_process::signal(int number) const noexcept {
    const auto refused = [] { return errno == ENOSYS || errno == EPERM || errno == EACCES; };
    if (watcher_.joinable()
            ? !ended_.load()
            : ::syscall(SYS_pidfd_send_signal, handle_.get(), number, nullptr, 0) != 0 && refused())
        ::kill(pid_, number);
}

void child_process::observe() noexcept {
    if (!reaped_)
        usage_.peak_memory = std::max(usage_.peak_memory, peak_memory_of(pid_));
}

std::optional<worker_died::ending> child_process::reap() noexcept {
    siginfo_t info{};
    rusage used{};
    constexpr auto by_handle = static_cast<idtype_t>(3); // P_PIDFD
    // The C library's waitid() does not return what the process used.
    const auto wait = [&](idtype_t kind, int number) {
        return ::syscall(SYS_waitid, kind, number, &info, WEXITED | WNOHANG, &used);
    };
    const auto look = [&]() -> long {
        if (!watcher_.joinable() && wait(by_handle, handle_.get()) == 0)
            return 0;
        if (!watcher_.joinable() && errno != EINVAL && errno != ENOSYS && errno != EPERM)
            return -1;
        return wait(P_PID, pid_);
    };
    while (look() != 0) {
        if (errno == EINTR)
            continue;
        reaped_ = true;
        return worker_died::ending{}; // other code of the program has reaped it
    }
    if (info.si_pid == 0)
        return std::nullopt;
    reaped_ = true;
    const auto time = [](const timeval& t) {
        return std::chrono::seconds(t.tv_sec) + std::chrono::microseconds(t.tv_usec);
    };
    usage_.cpu_time = time(used.ru_utime) + time(used.ru_stime);
    // Until the child executed its program it shared this process's memory, which the kernel has
    // counted as the child's.
    if (const auto peak = static_cast<std::size_t>(used.ru_maxrss) * 1024; peak > starters_memory_)
        usage_.peak_memory = peak;
    if (info.si_code == CLD_EXITED)
        return worker_died::ending{.exit_code = info.si_status};
    return worker_died::ending{.signal = info.si_status};
}

} // namespace ferry::detail
