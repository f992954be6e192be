// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
// A load of one kind of task on a pool.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <string>

/// What a task does. Each may be called by many threads at a time.
using task_body = std::function<void()>;

/// Sleeps, as a call does that waits for another machine.
task_body waiting_task(std::chrono::nanoseconds how_long);
/// Computes for about as long, on one thread of a machine that does nothing else.
task_body computing_task(std::chrono::nanoseconds how_long);
/// Opens and reads the file.
task_body reading_task(std::string path);

/// A file that is gone when this is.
class temporary_file {
public:
    /// Errors: `std::system_error`.
    explicit temporary_file(std::size_t bytes);
    temporary_file(const temporary_file&) = delete;
    temporary_file& operator=(const temporary_file&) = delete;
    ~temporary_file();

    const std::string& path() const noexcept { return path_; }

private:
    std::string path_;
};

/// A pool of one size under load.
struct load_point {
    std::size_t size = 0;
    double throughput = 0;             ///< tasks per second
    std::chrono::nanoseconds median{}; ///< from submission to end
    std::chrono::nanoseconds p95{};
    std::size_t threads = 0;
    double resident = 0; ///< bytes of memory of the whole process
};

/// Keeps `in_flight` tasks submitted and not ended, for so long. Throws what a task throws.
load_point measure_load(const task_body& task, std::size_t size, std::size_t in_flight,
                        std::chrono::nanoseconds how_long);
