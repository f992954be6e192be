// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <ferry/cluster/code_table.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

namespace ferry::detail::cluster {

/// A task of a pool: the pool by its reply queue, and the number that it has there.
struct task_id {
    std::string reply_to;
    std::uint64_t number = 0;
    std::uint32_t round = 0; ///< how often it was published

    friend auto operator<=>(const task_id&, const task_id&) = default;
};

// ---- From pools to hosts ------------------------------------------------------------------------

/// A call to run; into the task queue.
struct task_frame {
    task_id id;
    std::uint32_t attempt = 1;
    bool stops = false; ///< takes a stop token
    bool idempotent = false;
    bool wants_progress = false;
    std::optional<std::chrono::nanoseconds> timeout = {};
    std::string label = {};
    code_key entry = {};
    code_key function = {}; ///< the function pointer that the entry point calls, if it calls one
    std::span<const std::byte> arguments = {};
};

/// What is to be done about tasks that were published; to all hosts, or to one.
struct cancel_frame {
    std::string reply_to;
    bool only_ask_to_stop = false;
    std::vector<std::uint64_t> numbers = {};
};

/// A pool asks the hosts for a beat, since it may have missed something.
struct ask_frame {
    std::string reply_to;
};

// ---- From hosts to pools, into the reply queue --------------------------------------------------

struct started_frame {
    std::uint64_t number = 0;
    std::uint32_t round = 0;
    std::string host;                 ///< the name of its own queue
    std::chrono::milliseconds beat{}; ///< how often it will say that it still runs
};

enum class outcome_kind : std::uint8_t {
    value,
    error,
    died ///< an error that says that the worker process has died; the task may be run again
};

struct outcome_frame {
    std::uint64_t number = 0;
    std::uint32_t round = 0;
    outcome_kind kind = outcome_kind::value;
    std::chrono::nanoseconds run_time{};
    std::span<const std::byte> bytes = {}; ///< the encoded result or exception
};

enum class decline_reason : std::uint8_t {
    draining,   ///< the host ends, and has not started the task
    redelivered ///< somebody else had the task, and may have started it
};

struct declined_frame {
    std::uint64_t number = 0;
    std::uint32_t round = 0;
    decline_reason reason = decline_reason::draining;
};

struct beat_frame {
    std::string host;
    std::chrono::milliseconds beat{};
    /// The tasks of this pool that it has started: number and round of each by turns.
    std::vector<std::uint64_t> running = {};
    std::vector<std::uint64_t> held = {}; ///< likewise, those that it has not started
};

struct progress_frame {
    std::uint64_t number = 0;
    double done = 0;
    std::string note = {};
};

// ---- From hosts to everybody --------------------------------------------------------------------

struct announce_frame {
    std::string host;
    std::string build; ///< the name of the task queue that it serves
    std::string version;
    std::uint32_t workers = 0;
    std::int32_t pid = 0;
    bool leaving = false;
};

/// Somebody asks the hosts to announce themselves, to that queue.
struct who_frame {
    std::string reply_to;
};

using frame = std::variant<task_frame, cancel_frame, ask_frame, started_frame, outcome_frame,
                           declined_frame, beat_frame, progress_frame, announce_frame, who_frame>;

inline constexpr std::size_t most_numbers = 100000; ///< in one frame
inline constexpr std::size_t longest_text = 4096;
inline constexpr std::size_t longest_queue_name = 255; ///< AMQP's limit
inline constexpr const char* reply_prefix = "ferry.reply.";
inline constexpr const char* host_prefix = "ferry.host.";

/// Writes a frame; texts that are too long are cut.
std::vector<std::byte> write_frame(const frame& f);

/// Reads what came from the network. Null with a reason unless it is a frame, whole and of this
/// version, with nothing behind it. Spans point into `bytes`. Allocates no more than is there.
std::optional<frame> read_frame(std::span<const std::byte> bytes, std::string& why);

} // namespace ferry::detail::cluster
