// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include "segment.hpp"
#include "support/descriptor.hpp"
#include "wire.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <span>

namespace ferry::detail {

/// The errors of a sending that may succeed later.
bool is_passing(int error) noexcept;
/// Sends a message, with descriptors; false where that is not possible now or any more. Never
/// raises SIGPIPE, never blocks.
bool send_message(int socket, const wire::message& m, std::span<const int> files) noexcept;
/// What became of an attempt to receive a message. Short: this process has no room for its
/// descriptors now, and it stays where it is.
enum class reception { message, none, ended, is_short, malformed };
/// Receives one, with at most two descriptors, without blocking unless `wait`.
reception receive_message(int socket, wire::message& m, std::array<descriptor, 2>& files,
                          bool wait) noexcept;

/// Tells the other process of segments, each once for each size that it has. Not thread-safe.
class segment_announcer {
public:
    /// False, with errno set, where the message cannot be sent now or any more.
    bool announce(int socket, const segment& s);
    void forget(std::uint32_t id) noexcept { announced_.erase(id); }

private:
    std::map<std::uint32_t, std::size_t> announced_; // the capacity
};

} // namespace ferry::detail
