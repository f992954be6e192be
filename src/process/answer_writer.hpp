// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include "support/descriptor.hpp"
#include "wire.hpp"

#include <cstddef>
#include <span>
#include <utility>

namespace ferry::detail {

/// What a worker says to its pool, frame by frame, in the ring of its answers. Waits for room there
/// until the pool has read earlier frames. Ends the process if a task has overwritten the ring's
/// positions or closed the event. For the worker's main thread.
class answer_writer {
public:
    /// `answered` wakes the pool's reader.
    answer_writer(wire::channel& memory, descriptor answered) noexcept
        : frames_(memory.answers, memory.answer_bytes.data()), answered_(std::move(answered)) {}

    /// The body is `first` and then `second`; the header's size is set from them.
    void write(wire::frame_header h, std::span<const std::byte> first,
               std::span<const std::byte> second = {});
    /// The worker can be given tasks.
    void write_ready();
    /// It cannot, because of an encoded error, of which as much is said as a frame can hold.
    void write_not_ready(std::span<const std::byte> error);
    void write_progress(const wire::frame_header& task, double done,
                        std::span<const std::byte> note);
    /// The outcome of a task, encoded, or where it is.
    void write_outcome(const wire::frame_header& task, bool succeeded,
                       const wire::answer_body& body, std::span<const std::byte> outcome);

private:
    void check_event() const;

    wire::ring_writer frames_;
    const descriptor answered_;
};

} // namespace ferry::detail
