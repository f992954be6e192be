// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <ferry/error.hpp>

#include "scheduling.hpp"
#include "support/descriptor.hpp"
#include "worker_program.hpp"
#include "worker_setup.hpp"

#include <atomic>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <thread>

namespace ferry::detail {

/// How a worker process is started.
struct child_options {
    int socket = -1;                                ///< becomes its descriptor wire::worker_socket
    int standard_error = -1;                        ///< becomes its standard error
    int depth = 1;                                  ///< how many pools deep it is
    std::map<std::string, std::string> environment; ///< added to this process's
    std::filesystem::path working_directory;
    scheduling how_scheduled;                ///< whatever the starting thread's is
    const worker_program* program = nullptr; ///< null: this program
    worker_setup setup;                      ///< what it does with itself at its start
};

/// A child process: this program, started again. It inherits the standard three descriptors, of
/// which the input is empty, and its socket. Where the system refuses handles of processes, a
/// thread waits for its end. Not thread-safe.
class child_process {
public:
    /// Errors: `std::system_error` that says what could not be done.
    explicit child_process(const child_options& options);
    /// Kills it where it was not reaped, and reaps it.
    ~child_process();
    child_process(const child_process&) = delete;
    child_process& operator=(const child_process&) = delete;

    int pid() const noexcept { return pid_; }
    /// Readable when it has ended.
    int handle() const noexcept { return handle_.get(); }
    /// Does nothing once it has ended.
    void signal(int number) const noexcept;
    /// Reaps it and returns how it ended; nothing while it runs.
    std::optional<worker_died::ending> reap() noexcept;

    /// Looks how much memory it has needed so far.
    void observe() noexcept;
    /// What it used, once it was reaped.
    const worker_usage& usage() const noexcept { return usage_; }

private:
    void watch();

    int pid_ = 0;
    bool reaped_ = false;
    worker_usage usage_;
    std::size_t starters_memory_ = 0; // most of this process when it started the child
    descriptor handle_;
    std::atomic<bool> ended_{false}; // the watcher saw it: its number may be another's soon
    std::thread watcher_;            // only where there are no handles
};

} // namespace ferry::detail
