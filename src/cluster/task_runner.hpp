// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <ferry/task_options.hpp>

#include "host_state.hpp"
#include "start_watch.hpp"

#include <chrono>
#include <deque>
#include <optional>
#include <string>
#include <vector>

namespace ferry::detail::cluster {

class task_outcome;

/// Runs the tasks of a worker host on its local pool, and makes reports of what becomes of them.
/// Thread safety: safe.
///
/// A call is handed to the pool by whoever hears that its task is to run. Threads of the pool tell
/// of progress and of the end; an outcome is made into a report by the publishing thread, which has
/// time for that. The consuming thread looks for calls that have started, and asks those again to
/// stop whose worker was only about to start them.
class task_runner {
public:
    using clock = std::chrono::steady_clock;

    explicit task_runner(host_state& state) noexcept : state_(state) {}
    task_runner(const task_runner&) = delete;
    task_runner& operator=(const task_runner&) = delete;

    void do_now(const host_state::to_do& todo) FERRY_EXCLUDES(state_.mutex);

    /// For the publishing thread: makes reports of the outcomes that are there, and lets the next
    /// tasks start.
    void settle_all() FERRY_EXCLUDES(state_.mutex);

    // For the consuming thread.
    void watch(clock::time_point now) FERRY_EXCLUDES(state_.mutex);
    /// When to watch again.
    std::optional<clock::time_point> next_time() const FERRY_EXCLUDES(state_.mutex);

private:
    class completion;
    /// The code of a task, in this process.
    struct code_of_task {
        const code_record* entry = nullptr;
        const code_record* function = nullptr; ///< null: the entry point calls none
        bool may_run_here = false;
    };

    // Handing a task over.
    void start(const task_id& id);
    code_of_task find_code_of(const task_frame& f) const;
    host_call_ptr make_call(const task_id& id, const task_frame& f, const code_of_task& code,
                            bool& limited_by_host);
    void hand_over(const task_id& id, const host_call_ptr& call, bool limited_by_host);
    void refuse(const task_id& id, const std::string& type, const std::string& why);
    void give_back(const task_id& id);

    static void end(const host_call_ptr& call);
    void ask_to_stop(const host_call_ptr& call);
    void look_for_starts(clock::time_point now);

    // What threads of the pool tell.
    void note_progress(const task_id& id, progress p, bool first);
    void finished(const task_id& id) noexcept;

    void settle(const task_id& id);

    host_state& state_;
    start_watch starts_ FERRY_GUARDED_BY(state_.mutex);
    std::vector<host_call_ptr> stops_ FERRY_GUARDED_BY(state_.mutex); // to be asked to stop again
    std::deque<task_id> finished_ FERRY_GUARDED_BY(state_.mutex);     // to be settled
};

} // namespace ferry::detail::cluster
