// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <ferry/process/detail/task.hpp>

#include "segment.hpp"
#include "segment_arrivals.hpp"
#include "wire.hpp"

#include <cstddef>
#include <memory>
#include <optional>
#include <span>

namespace ferry::detail {

/// What a worker says of a task. Its bytes are still in the worker's ring, or in a shared mapping.
struct answer {
    wire::frame_header header;
    wire::answer_body says;
    std::span<const std::byte> bytes; ///< in the ring; empty if `shared` is set
    std::shared_ptr<segment> shared;
    std::size_t size = 0; ///< of what is in `shared`
    remote_call_ptr task;
    payload arguments; ///< of the task, freed with this
};

/// What one worker says, in its order: whether it is ready, how far its tasks are, their answers.
/// For the reader; nothing of it is guarded by the pool's mutex.
///
/// Invariants:
/// - Nothing that the worker wrote is believed. A frame is checked here for what no worker says;
///   what is used is copied first, because the worker may change it at any time.
/// - An answer whose mapping cannot be received now waits; nothing behind it is read before it.
/// - A worker says once whether it is ready.
class answer_stream {
public:
    answer_stream(wire::channel& memory, int socket) noexcept
        : frames_(memory.answers, memory.answer_bytes.data()), mappings_(socket) {}

    enum class reading {
        answer,   ///< `a` was read
        start,    ///< `f` was read: whether the worker is ready
        progress, ///< `f` was read: how far its task is
        nothing,  ///< there is no more
        later,    ///< this process has no room now for the mapping of an answer
        broken    ///< it is what no worker says
    };
    /// Reads the next thing that the worker said. What is read stays in the ring until `release`.
    reading read(answer& a, wire::frame& f);
    /// Gives the memory of all that was read back to the worker.
    void release() noexcept { frames_.release(); }
    /// Asks the worker to wake the reader for what it says next; false if it has said more already.
    bool prepare_sleep() noexcept { return frames_.prepare_sleep(); }
    /// Whether an answer waits for its mapping.
    bool is_waiting() const noexcept { return waiting_.has_value(); }

private:
    struct large_answer { // what it says, read once
        wire::frame_header header;
        wire::answer_body says;
        wire::segment_ref ref;
    };
    reading read_start() noexcept;
    reading read_answer(answer& a, const wire::frame& f);
    reading read_large(answer& a);

    wire::ring_reader frames_;
    segment_arrivals mappings_;
    std::optional<large_answer> waiting_;
    bool said_whether_ready_ = false;
};

} // namespace ferry::detail
