// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <ferry/process/detail/task.hpp>
#include <ferry/thread_pool.hpp>

#include <filesystem>
#include <map>
#include <memory>
#include <string>

namespace ferry {

/// A function with arguments that each worker process runs once, before its first task: `{fn,
/// args...}`. Encoded at construction: later changes to the arguments have no effect.
class process_initializer {
public:
    process_initializer() noexcept = default;
    /// Errors: what encoding the arguments throws.
    template <class F, class... A>
        requires(!std::is_same_v<std::remove_cvref_t<F>, process_initializer>)
    &&process_offloadable<F, A...> process_initializer(F&& fn, A&&... args)
        : call_(detail::encode_initializer<std::decay_t<F>>(fn, args...)) {}

    explicit operator bool() const noexcept { return call_ != nullptr; }

private:
    friend class detail::process_core;
    std::shared_ptr<const detail::encoded_initializer> call_;
};

struct process_pool_options {
    /// Most worker processes at a time; 1 to 65536.
    std::size_t max_workers = cpu_bound_workers();
    /// Runs once in each worker before its first task, in every replacement too. Where it fails, by
    /// an exception or a crash, again and again while no worker lives, the pool is broken: for half
    /// a second, or two where nothing says why, or where workers cannot be started at all.
    process_initializer initializer = {};
    /// After how many tasks a worker is replaced; 0 is no limit.
    std::size_t max_tasks_per_child = 0;
    /// How long a worker that is to end has after SIGTERM, before SIGKILL; and a running call that
    /// takes a stop token, before SIGTERM. No limit: it is never killed.
    timeout kill_grace = std::chrono::seconds(3);
    /// Added to the environment of the workers, in the place of what has the same name.
    std::map<std::string, std::string> environment = {};
    /// Where the workers start; empty: where this process is then.
    std::filesystem::path working_directory = {};
};

} // namespace ferry
