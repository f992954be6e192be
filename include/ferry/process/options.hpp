// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <ferry/process/detail/task.hpp>
#include <ferry/thread_pool.hpp>

#include <filesystem>
#include <map>
#include <memory>
#include <string>

namespace ferry {

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
    friend class detail::process_core;
    std::shared_ptr<const detail::encoded_initializer> call_;
};

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
};

} // namespace ferry
