// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include "crash_record.hpp"
#include "worker_setup.hpp"

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

// What a pool and one of its workers say to each other, and the memory in which they say it.
//
//   pool                         shared memory                         worker
//   submit ── run ──────────────▶ tasks (ring) ──────────────────────▶ claims, runs
//                                 slots: offered, claimed, done
//   result ◀───────────────────── answers (ring) ◀── value, error ──── encodes
//
// Rings hold frames. A sleeping worker is woken through a futex in this memory, a sleeping pool
// through an event descriptor. Payloads of 64 KiB and more are in segments, whose descriptors go
// over the socket, which also tells each side that the other has ended.

namespace ferry::detail::wire {

enum class frame_kind : std::uint16_t {
    run = 1,    ///< to the worker: a task
    initialise, ///< to the worker: runs before the first task
    finalise,   ///< to the worker: runs before it leaves; comes before everything else
    ready,      ///< from the worker: its program's identity
    not_ready,  ///< from the worker: the initializer failed, with the error
    value,      ///< from the worker: a task's result
    error,      ///< from the worker: what a task threw
    progress,   ///< from the worker: how far its task is
    padding     ///< nothing, up to the end of the ring
};

/// Precedes every frame's body in a ring; frames start at multiples of 16.
struct frame_header {
    std::uint32_t size = 0; ///< of the body
    frame_kind kind{};
    std::uint16_t slot = 0;
    std::uint64_t task = 0; ///< sequence number
};
static_assert(sizeof(frame_header) == 16);

/// The longest body in a ring; what is longer goes through a segment.
inline constexpr std::size_t max_body = std::size_t(72) << 10;
/// Bytes in each ring; a power of two.
inline constexpr std::size_t ring_size = std::size_t(256) << 10;
/// Tasks that can be handed to a worker at a time.
inline constexpr std::size_t slot_count = 64;

/// The first part of the body of `run`, `initialise` and `finalise`. The encoded arguments follow,
/// or are in a segment.
struct run_body {
    std::uint64_t module = 0;
    std::uint64_t offset = 0;
    std::uint16_t path_size = 0; ///< the module's path follows
    bool takes_stop_token = false;
    /// Not 0: a segment_ref follows; 2: of one to which nobody writes while the worker keeps it.
    std::uint8_t in_segment = 0;
    std::uint32_t context_size = 0; ///< the context follows, behind the path
    bool reports = false;           ///< somebody wants to know its progress
};
/// The first part of the body of `progress`; the note follows.
struct progress_body {
    double done = 0;
};
/// The longest note of a report of progress that is sent.
inline constexpr std::size_t longest_note = 4096;
/// The first part of the body of `value` and `error`.
struct answer_body {
    std::int64_t run_ns = 0;
    /// Not 0: a segment_ref follows; 2: of one that is given away.
    std::uint8_t in_segment = 0;
    std::uint8_t retires = 0; ///< not 0: the worker starts nothing else, and waits to be let go
    std::uint8_t keeps = 0;   ///< not 0: it goes on using the segment of the arguments
};
struct segment_ref {
    std::uint32_t id = 0;
    std::uint64_t size = 0;
};

/// One frame, in the memory of its ring.
struct frame {
    frame_header header;
    std::span<const std::byte> body;
};

enum class decoded { frame, nothing, malformed };

/// Looks at the frame at the front of the `published` bytes that start at `position` of a ring.
/// Nothing that it says is believed before it was checked: kind, slot, size against the longest
/// body, the end of the ring, and what was published. `f` is set where there is one; `length` is
/// what to advance by. Padding is passed over.
decoded decode(std::span<const std::byte> ring, std::uint64_t position, std::uint64_t published,
               frame& f, std::uint64_t& length) noexcept;

/// The positions of one ring. They only grow; the writer publishes with release, the reader with
/// release too, and each acquires the other's.
struct ring_positions {
    alignas(64) std::atomic<std::uint64_t> written;
    alignas(64) std::atomic<std::uint64_t> read;
    /// Set by the reader before it sleeps, after which it looks again; taken by the writer after it
    /// has published (both sequentially consistent, so one of them sees the other).
    alignas(64) std::atomic<std::uint32_t> reader_sleeps;
};

/// One end of a ring that writes. It keeps its own position: what stands in the shared memory is
/// for the other end, which may have written anything there. Invariant: only one thread at a time
/// uses it.
class ring_writer {
public:
    ring_writer(ring_positions& at, std::byte* memory) noexcept : at_(&at), memory_(memory) {}

    /// Room for a body of that size, to fill before `publish`; null when it does not fit now.
    std::byte* reserve(std::size_t size) noexcept;
    /// Makes the reserved frame visible; true when the reader sleeps and is to be woken.
    bool publish(frame_header header) noexcept;
    /// Whether the other end has kept to the protocol: it has read no more than was written, its
    /// position never went back, and it left this end's position alone.
    bool sound() noexcept;
    /// Whether it is to be woken, as things are now.
    bool reader_sleeps() const noexcept {
        return at_->reader_sleeps.load(std::memory_order_relaxed) != 0;
    }

private:
    ring_positions* at_;
    std::byte* memory_;
    std::uint64_t written_ = 0;
    std::uint64_t read_ = 0;  // as it was seen last
    std::uint64_t start_ = 0; // of the reserved frame
};

/// The other end. Invariant: only one thread at a time uses it.
class ring_reader {
public:
    ring_reader(ring_positions& at, const std::byte* memory) noexcept : at_(&at), memory_(memory) {}

    /// The next frame, which stays where it is until `release`.
    decoded next(frame& f) noexcept;
    /// Gives the memory of all frames up to the last one seen back to the writer.
    void release() noexcept { at_->read.store(position_, std::memory_order_release); }
    /// Says that this end is about to sleep; false when there is something to read after all.
    bool prepare_sleep() noexcept;

private:
    ring_positions* at_;
    const std::byte* memory_;
    std::uint64_t position_ = 0;
};

/// Who may start a task that was handed to a worker.
///
///   offered ──worker──▶ claimed ──worker──▶ done
///      │                   └─────pool─────▶ condemned
///      └─────pool────▶ free
///
/// Each step is one compare-exchange of the task's number with its state, so a frame that is still
/// in the ring cannot start a task that was taken back, and a worker that was condemned while it
/// ran a task never starts another.
enum class slot_state : std::uint64_t { free, offered, claimed, done, condemned };

class task_slot {
public:
    void offer(std::uint64_t task) noexcept { word_.store(pack(task, slot_state::offered)); }
    bool move(std::uint64_t task, slot_state from, slot_state to) noexcept {
        auto expected = pack(task, from);
        return word_.compare_exchange_strong(expected, pack(task, to));
    }
    bool is(std::uint64_t task, slot_state s) const noexcept {
        return word_.load() == pack(task, s);
    }

private:
    static std::uint64_t pack(std::uint64_t task, slot_state s) noexcept {
        return task << 3 | static_cast<std::uint64_t>(s);
    }
    std::atomic<std::uint64_t> word_;
};

/// What a pool shares with one worker; made by the pool, zero at first.
struct channel {
    ring_positions tasks;   ///< to the worker
    ring_positions answers; ///< from it
    std::array<task_slot, slot_count> slots;
    std::atomic<std::int64_t> started_ns; ///< when the task was claimed, on the steady clock
    std::atomic<std::uint32_t> leave;     ///< the worker ends when it has nothing left to do
    /// Written once, before the worker starts: with how much resident memory after a task it
    /// retires; 0: never.
    std::atomic<std::uint64_t> most_memory;
    worker_setup setup; ///< constant once the worker runs
    /// The processor time that the worker had used when it claimed its task, in nanoseconds.
    std::atomic<std::int64_t> cpu_at_start;
    /// Not 0: it ends because a call was refused memory; the bytes that it used.
    std::atomic<std::uint64_t> memory_refused;
    crash_record crash;
    alignas(64) std::array<std::byte, ring_size> task_bytes;
    alignas(64) std::array<std::byte, ring_size> answer_bytes;
};
static_assert(std::atomic<std::uint64_t>::is_always_lock_free);

/// Nanoseconds of the steady clock, which all processes share.
inline std::int64_t now_ns() noexcept {
    return std::chrono::nanoseconds(std::chrono::steady_clock::now().time_since_epoch()).count();
}

/// A message on the socket: a datagram, some with a descriptor.
struct message {
    enum class what : std::uint32_t {
        hello = 1, ///< to the worker, with the channel's descriptor and the event's
        segment,   ///< with a segment's descriptor
        stop,      ///< to the worker: asks a task to stop
        gift,      ///< from the worker: with the descriptor of a segment that it gives away
        forget     ///< to the worker: a segment that is not used any more
    };
    what kind{};
    std::uint32_t id = 0;     ///< the segment's
    std::uint64_t number = 0; ///< hello: the pool's process; segment: its capacity; stop: the task
};

/// The environment variable that tells a process that it is a worker: the descriptor of its socket,
/// and how many pools deep it is.
inline constexpr const char* worker_variable = "FERRY_WORKER";
inline constexpr const char* depth_variable = "FERRY_WORKER_DEPTH";
/// How many pools may be nested in tasks of each other.
inline constexpr int max_depth = 8;
/// The descriptor of a worker's socket.
inline constexpr int worker_socket = 3;

/// Marks the event descriptor of a worker, and recognises it: a task may have closed it, and what
/// has its number now is the task's.
void mark_event(int event) noexcept;
bool is_marked_event(int event) noexcept;

/// Exit codes of workers that end by themselves.
inline constexpr int exit_not_ready = 121; ///< the initializer failed, and was reported
inline constexpr int exit_protocol = 122;  ///< the channel is unusable
inline constexpr int exit_unwound = 123;   ///< a task ended the worker's main thread
inline constexpr int exit_no_memory = 124; ///< a call was refused memory, and is limited in that

} // namespace ferry::detail::wire
