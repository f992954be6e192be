// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <ferry/process/detail/code.hpp>

#include "segment.hpp"
#include "wire.hpp"

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace ferry::detail {

/// What a pool says to one of its workers, frame by frame, in the ring of its tasks. For who holds
/// the pool's mutex.
class task_writer {
public:
    explicit task_writer(wire::channel& memory) noexcept
        : memory_(memory), frames_(memory.tasks, memory.task_bytes.data()) {}

    /// What a worker is to do around a call.
    struct call_kind {
        bool stops = false;   ///< the call gets a stop token
        bool reports = false; ///< and somebody wants to know its progress
    };
    /// Writes a call, whose arguments are in `shared` if that is not null. False if there is no room
    /// for it now. The worker does not see it before `publish`.
    bool reserve(const code_ref& entry, call_kind how, std::string_view context,
                 std::span<const std::byte> arguments, const segment* shared) noexcept;
    /// Lets the worker see the call that was reserved last, and wakes it if it sleeps.
    void publish(wire::frame_kind kind, std::uint16_t slot, std::uint64_t number) noexcept;
    /// Has the worker end when it has nothing left to do.
    void request_exit() noexcept;
    /// Whether the worker has kept to the protocol of the ring.
    bool is_sound() noexcept { return frames_.sound(); }

private:
    void wake() noexcept;

    wire::channel& memory_;
    wire::ring_writer frames_;
    std::uint32_t size_ = 0; // of the reserved frame's body
};

} // namespace ferry::detail
