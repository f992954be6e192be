// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <ferry/detail/assert.hpp>
#include <ferry/process/detail/task.hpp>

#include "answer_stream.hpp"
#include "child_process.hpp"
#include "dispatcher.hpp"
#include "idle_limit.hpp"
#include "limit_watch.hpp"
#include "message.hpp"
#include "pids_group.hpp"
#include "segment.hpp"
#include "stuck_task.hpp"
#include "wire.hpp"
#include "worker_deadlines.hpp"
#include "worker_stderr.hpp"

#include <array>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace ferry::detail {

/// What a worker is to do beside its tasks.
struct worker_settings {
    std::size_t max_tasks = 0;   ///< after which it is replaced; 0: never
    std::size_t most_memory = 0; ///< resident after a task, else it is replaced; 0: no limit
    timeout idle;                ///< for how long it may be idle
    unsigned start_calls = 0;    ///< that it gets before it says whether it is ready
};

/// A pool's end of one worker process: what it is handed, its deadlines, and how it ends. What
/// comes back is read through `answers` and `standard_error`, which belong to the reader. The
/// pool's mutex guards the rest.
///
/// Nothing that the worker can write is believed: what must hold is checked where it is used and,
/// where that may be never, by `is_sound`.
struct worker_channel : dispatch_worker {
    /// Starts the process. Errors: `std::system_error`.
    worker_channel(std::uint32_t id, const child_options& options, const worker_settings& settings);
    ~worker_channel();
    worker_channel(const worker_channel&) = delete;
    worker_channel& operator=(const worker_channel&) = delete;

    /// Hands a task out; false, and it stays, if there is no room for it now.
    bool send(remote_call_ptr& c, std::uint64_t number, segment_store& store) noexcept;
    /// Sends what it runs before its first task, or before it leaves. Errors: `std::runtime_error`.
    void send_start_call(wire::frame_kind kind, const encoded_initializer& call,
                         segment_store& store);

    /// Withdraws the offer of a task; false if the worker has claimed it.
    bool revoke(std::uint16_t slot) noexcept;
    /// Frees the slot of a task that was answered or taken back, or whose worker has ended.
    remote_call_ptr release(std::uint16_t slot) noexcept;
    /// Lets the worker answer the task in that slot no more; false if it does not run it.
    bool condemn(std::uint16_t slot) noexcept {
        FERRY_ASSERT(held[slot] != nullptr);
        if (!memory->slots[slot].move(held[slot]->number, wire::slot_state::claimed,
                                      wire::slot_state::condemned))
            return false;
        condemned_slots |= std::uint64_t(1) << slot;
        return true;
    }
    bool is_condemned(std::uint16_t slot) const noexcept {
        return (condemned_slots >> slot & 1) != 0;
    }
    wire::task_slot& slot_of(const remote_call& c) noexcept { return memory->slots[c.slot]; }
    /// The task that it runs, or nothing.
    const remote_call* running() const noexcept;
    /// Whether a task that it holds has neither begun nor an outcome. What it has done is not
    /// unstarted, however long nobody can read its answers.
    bool is_unstarted(const remote_call&) const noexcept;
    /// Whether what it can write is what it can be: the slots of its tasks and the positions of the
    /// ring to it.
    bool is_sound() noexcept;
    /// When it began the task that it runs, as far as that can be.
    std::int64_t started_ns(std::int64_t now) const noexcept;

    /// Whether it has room for no more tasks with a segment.
    bool is_full_of_large() const noexcept;
    bool ask_to_stop(std::uint64_t number) noexcept;
    void request_exit() noexcept;
    void forget_segment(std::uint32_t number) noexcept;

    struct unmap {
        void operator()(wire::channel* c) const noexcept;
    };
    std::unique_ptr<wire::channel, unmap> memory; ///< shared with the worker
    std::uint32_t record = 0;                     ///< its number in the recording
    descriptor socket;
    descriptor answered; ///< an event: the worker answered while nobody read
    worker_stderr standard_error;
    std::optional<pids_group> group; ///< removed after the process has ended
    std::optional<child_process> process;

    std::array<remote_call_ptr, wire::slot_count> held;
    std::uint64_t free_slots = ~std::uint64_t(0);
    std::uint64_t condemned_slots = 0; ///< their tasks have an outcome, and it is being ended
    unsigned large_held = 0;           ///< tasks whose arguments are in a segment
    /// The arguments of its initializer and finalizer, until it is ready.
    std::vector<payload> start_calls;
    segment_announcer segments_sent;
    const char* violation = nullptr; ///< how it broke the protocol; null: it has not
    stuck_task stuck;                ///< the task with which it has not gone on
    /// The task that it did not start for so long that it was ended. It may have run it.
    std::uint64_t denied = 0;

    worker_deadlines deadlines; ///< none is armed when the mutex is let go of a last time
    idle_limit idle;
    bool dismissed = false; ///< the pool ends it, and none of its tasks is to blame

    std::optional<answer_stream> answers;
    std::optional<limit_watch> limits;
    std::optional<limit_breach> breach; ///< the limit for which it is ended
    std::uint64_t breached = 0;         ///< the task that exceeded that limit
    std::optional<worker_died::ending> how_ended;
    bool was_starting = false; ///< it ended before it was ready
    unsigned tries = 0;        ///< how often its last answers were tried to be received
    std::string why_not_ready; ///< what it said of that, if it did

private:
    struct call_kind {
        bool stops = false;
        bool reports = false;
    };
    std::byte* reserve(const code_ref& entry, call_kind how, std::string_view context,
                       std::span<const std::byte> arguments, segment* shared,
                       std::uint32_t& size) noexcept;
    bool share(payload& arguments, segment_store& store) noexcept;
    void wake() noexcept;

    std::optional<wire::ring_writer> tasks_;
    std::array<std::int64_t, wire::slot_count> sent_ns_{};
};

} // namespace ferry::detail
