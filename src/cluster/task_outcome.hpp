// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <ferry/cluster/options.hpp>

#include "arrived_tasks.hpp"
#include "frame.hpp"
#include "report.hpp"

#include <chrono>
#include <cstddef>
#include <exception>
#include <string>
#include <vector>

namespace ferry::detail::cluster {

/// What a task has come to on this host, as its pool is told. Not thread-safe.
class task_outcome {
public:
    /// Of a task whose call is done; takes the result out of that.
    task_outcome(const arrived_task& t, const cluster_options& options,
                 const cluster_worker_options& worker_options);
    /// Of a task that cannot be run here. `type` names the error's.
    static task_outcome refused(const std::string& label, const std::string& type,
                                const std::string& why);

    /// It is no outcome of the task, which another host may run: the local pool is broken.
    bool is_broken() const noexcept { return is_broken_; }
    report report_of(const task_id& id, std::chrono::nanoseconds run_time) const;

private:
    explicit task_outcome(const std::exception_ptr& error) { set_error(error); }

    void set_value(const arrived_task& t, std::size_t max_message);
    void set_error(const std::exception_ptr& error);

    outcome_kind kind_ = outcome_kind::error;
    std::vector<std::byte> bytes_;
    bool is_broken_ = false;
};

} // namespace ferry::detail::cluster
