// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <ferry/process/detail/task.hpp>

#include "child.hpp"
#include "message.hpp"
#include "segment.hpp"
#include "wire.hpp"
#include "worker_lifecycle.hpp"

#include <array>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>

namespace ferry::detail {

/// A task with a share of it.
struct held_call {
    boost::intrusive_ptr<shared_state_base> keep;
    remote_call* call = nullptr;

    explicit operator bool() const noexcept { return call != nullptr; }
};

using queue_key = std::pair<std::int64_t, std::uint64_t>; // falling priority, place
/// What waits. A node stays with its task while that is handed out, so that it can be put back
/// without memory.
using task_queue = std::map<queue_key, held_call>;

/// A moment at which something is to be done, while it is in a list.
struct deadline {
    enum class purpose {
        grace,
        run_time,
        stop_grace,
        standard_error,
        answers,  ///< some cannot be read now
        exit,     ///< the same of a worker that has ended
        look,     ///< at the workers that have tasks
        dispatch, ///< something could not be handed out
        start,    ///< a worker could not be started
        trim      ///< of segments
    } what{};
    std::uint32_t worker = 0;
    std::uint16_t slot = 0;
    timeout::clock::time_point at{};
    deadline* next = nullptr;
    deadline* previous = nullptr; // null: in no list
};

/// Those that are to come, in order; needs no memory. What is put in is mostly later than the rest,
/// so it looks from the end. Not thread-safe.
class deadline_list {
public:
    deadline_list() noexcept { ends_.next = ends_.previous = &ends_; }
    deadline_list(const deadline_list&) = delete;
    deadline_list& operator=(const deadline_list&) = delete;

    /// True where it is the first one now.
    bool put(deadline& d, timeout::clock::time_point at) noexcept;
    static void remove(deadline& d) noexcept;
    static bool contains(const deadline& d) noexcept { return d.previous != nullptr; }
    deadline* first() noexcept { return ends_.next == &ends_ ? nullptr : ends_.next; }

private:
    deadline ends_;
};

/// An answer in a segment: what it says, read once.
struct large_answer {
    wire::frame_header header;
    std::int64_t run_ns = 0;
    wire::segment_ref ref;
};

/// A pool's end of one worker process: what it is handed, and what comes back.
/// The pool's mutex guards everything but what belongs to the thread that reads: `answers`,
/// `segments_received`, the streams and the text of its standard error.
///
/// Nothing that the worker can write is believed: what must hold is checked where it is used and,
/// where that may be never, by `is_sound`.
struct worker_channel {
    /// Starts the process. Errors: `std::system_error`.
    worker_channel(std::uint32_t id, const child_options& options, std::size_t max_tasks,
                bool has_initializer);
    ~worker_channel();
    worker_channel(const worker_channel&) = delete;
    worker_channel& operator=(const worker_channel&) = delete;

    /// Hands a task out, with the node that it has in the queue; false, and both stay, where there
    /// is no room for it now.
    bool give(held_call& c, task_queue::node_type& node, std::uint64_t number,
              segment_store& store) noexcept;
    /// Sends what it runs before its first task. Errors: `std::runtime_error`.
    void give_initializer(const encoded_initializer& init, segment_store& store);

    struct taken {
        held_call task;
        task_queue::node_type node;
    };
    /// Takes an offered task back; nothing when the worker has claimed it.
    taken revoke(std::uint16_t slot) noexcept;
    /// It was answered, or the worker has ended.
    taken let_go(std::uint16_t slot) noexcept;
    wire::task_slot& slot_of(const remote_call& c) noexcept { return memory->slots[c.slot]; }
    /// The task that it runs, or nothing.
    const held_call* running() const noexcept;
    /// Whether what it can write is what it can be: the slots of its tasks and the positions of the
    /// ring to it.
    bool is_sound() noexcept;
    /// When it began the task that it runs, as far as that can be.
    std::int64_t started_ns(std::int64_t now) const noexcept;

    bool ask_to_stop(std::uint64_t number) noexcept;
    void tell_to_leave() noexcept;
    void forget_segment(std::uint32_t number) noexcept;

    /// The mapping that an answer refers to. Null where it cannot be received now; then
    /// `is_short`. Errors: `bad_segment` where it is not what was announced.
    std::shared_ptr<segment> find_segment(const wire::segment_ref& ref, bool& is_short);
    enum class stream { open, blocked, ended };
    /// Takes in what it wrote to its standard error and passes it on to this process's. Blocked:
    /// that takes no more now, and the rest stays where it is; but the `last` time it is only kept.
    stream read_stderr(bool last);

    const std::uint32_t id;
    worker_lifecycle life;

    wire::channel* memory = nullptr; ///< shared with the worker
    descriptor socket;
    descriptor answered; ///< an event: the worker answered while nobody read
    descriptor standard_error;
    std::optional<child> process;

    std::array<held_call, wire::slot_count> held;
    std::uint64_t free_slots = ~std::uint64_t(0);
    std::uint64_t condemned_slots = 0; ///< their tasks have an outcome, and it is being ended
    unsigned large_held = 0;           ///< tasks with a segment
    payload initializer;               ///< what it reads at its start
    std::uint64_t refused = 0;         ///< the round in which it took nothing
    segment_announcer segments_sent;
    const char* violation = nullptr; ///< what it did that no worker does

    std::array<deadline, wire::slot_count> run_time;
    std::array<bool, wire::slot_count> measured{}; ///< its timeout runs from its start
    std::array<deadline, wire::slot_count> stop_grace;
    deadline grace{deadline::purpose::grace, 0, 0, {}, nullptr, nullptr};
    deadline again{}; ///< standard error, or answers that cannot be read now
    deadline blocked{};

    std::optional<wire::ring_reader> answers;
    std::optional<large_answer> waiting; ///< for this process to have room for its segment
    std::optional<worker_died::ending> how_ended;
    bool was_starting = false; ///< when it ended
    unsigned tries = 0;        ///< to receive what it said last
    received_segments segments_received{segment::side::pool};
    std::string stderr_tail;
    std::string why_not_ready;

private:
    std::byte* reserve(const code_ref& entry, bool stops, std::span<const std::byte> arguments,
                       segment* shared, std::uint32_t& size) noexcept;
    bool share(payload& arguments, segment_store& store) noexcept;
    void wake() noexcept;

    std::optional<wire::ring_writer> tasks_;
    std::array<task_queue::node_type, wire::slot_count> nodes_;
    std::array<std::int64_t, wire::slot_count> given_ns_{};
    struct arrival {
        wire::message message;
        descriptor file;
    };
    std::optional<arrival> arrived_; // not mapped yet
};

} // namespace ferry::detail
