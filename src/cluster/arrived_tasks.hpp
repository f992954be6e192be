// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <ferry/process/detail/encoded_outcome.hpp>
#include <ferry/process/detail/task.hpp>

#include "frame.hpp"
#include "host_ledger.hpp"

#include <boost/smart_ptr/intrusive_ptr.hpp>

#include <chrono>
#include <map>
#include <memory>
#include <optional>

namespace ferry::detail::cluster {

using host_call = remote_task<encoded_outcome>;
using host_call_ptr = boost::intrusive_ptr<host_call>;

/// A task of a worker host.
struct arrived_task {
    task_frame frame;
    std::shared_ptr<void> keep = {}; ///< the message that the frame's arguments are in
    host_call_ptr call = {};         ///< once the local pool has it
    std::chrono::steady_clock::time_point started = {};
    bool limited_by_host = false; ///< its time limit is `max_run`
    bool has_started = false;     ///< a local worker runs it, or has
    bool unwanted = false;        ///< it was cancelled just before its start
    bool asked_to_stop = false;   ///< likewise
};

/// The tasks that are in a worker host, each from its arrival until its outcome is reported, with
/// the calls that the local pool has. It calls neither the pool nor a call. Not thread-safe.
class arrived_tasks {
public:
    using clock = std::chrono::steady_clock;

    /// One that is here already, from before the connection was lost, stays as it is.
    void add(const task_frame& f, const std::shared_ptr<void>& keep);
    /// Null if it is not here.
    const arrived_task* find(const task_id& id) const;
    void erase(const task_id& id) { tasks_.erase(id); }
    /// Its delivery is acknowledged: without a call it was cancelled while it was held, and is gone.
    void erase_held(const task_id& id);
    /// Takes one out.
    std::optional<arrived_task> take(const task_id& id);

    /// It is handed to the local pool, for which its arguments were copied. Precondition: it is
    /// here.
    void prepare(const task_id& id, clock::time_point now, bool limited_by_host, bool has_started);
    /// The local pool has it, and from now on notes about it go to the call. Those that came before
    /// are in what this returns. Precondition: it is here.
    const arrived_task& hand_over(const task_id& id, host_call_ptr call);

    /// The call that is to be asked to stop, or ended. Null if there is none, but then it is noted
    /// for when there is.
    host_call_ptr ask_to_stop(const task_id& id);
    host_call_ptr end(const task_id& id);

    /// The call, unless a worker is known to have started it.
    host_call_ptr unstarted_call(const task_id& id) const;
    /// A worker runs it. False if that is known, or the task is not here.
    bool mark_started(const task_id& id);
    /// What the ledger takes for running, and the local pool has not started, is only held.
    void move_unstarted(const std::string& reply_to, host_ledger::known_tasks& known) const;

private:
    std::map<task_id, arrived_task> tasks_;
};

} // namespace ferry::detail::cluster
