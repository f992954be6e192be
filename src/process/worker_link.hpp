// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <ferry/process/task.hpp>

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

namespace ferry::detail {

/// A task with a share of it.
struct held_call {
    boost::intrusive_ptr<shared_state_base> keep;
    remote_call* call = nullptr;

    explicit operator bool() const noexcept { return call != nullptr; }
};

/// A pool's end of one worker process: what it is handed, and what comes back.
/// The pool's mutex guards everything but what belongs to the thread that reads: `answers`,
/// `segments_received`, the streams and the text of its standard error.
struct worker_link {
    /// Starts the process. Errors: `std::system_error`.
    worker_link(std::uint32_t id, const child_options& options, std::size_t max_tasks,
                bool has_initializer);
    ~worker_link();
    worker_link(const worker_link&) = delete;
    worker_link& operator=(const worker_link&) = delete;

    /// Hands a task out; false where there is no room for it now.
    bool give(const held_call& c, std::uint64_t number);
    /// Sends what it runs before its first task. Errors: `std::runtime_error`.
    void give_initializer(const encoded_initializer& init, const payload& arguments);
    /// Takes an offered task back; false when the worker has claimed it.
    bool take_back(remote_call& c) noexcept;
    /// It was answered, or the worker has ended.
    held_call let_go(std::uint16_t slot) noexcept;
    wire::task_slot& slot_of(const remote_call& c) noexcept { return memory->slots[c.slot]; }
    /// The task that it runs, or nothing.
    const held_call* running() const noexcept;

    bool ask_to_stop(std::uint64_t number) noexcept;
    void tell_to_leave() noexcept;

    /// The mapping that an answer refers to, or null where it is not what was announced.
    std::shared_ptr<segment> find_segment(const wire::segment_ref& ref);
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
    segment_announcer segments_sent;

    std::optional<wire::ring_reader> answers;
    received_segments segments_received;
    std::string stderr_tail;
    std::string why_not_ready;

private:
    std::byte* reserve(const code_ref& entry, bool stops, std::span<const std::byte> arguments,
                       segment* shared, std::uint32_t& size);
    void wake() noexcept;

    std::optional<wire::ring_writer> tasks_;
};

} // namespace ferry::detail
