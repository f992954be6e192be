// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include "descriptor.hpp"
#include "segment.hpp"
#include "wire.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <span>

namespace ferry::detail {

/// Sends a message, with descriptors; false where that is not possible now or any more. Never
/// raises SIGPIPE, never blocks.
bool send_message(int socket, const wire::message& m, std::span<const int> files) noexcept;
/// Receives one, with at most two descriptors, without blocking unless `wait`. False where there is
/// none; then `ended` says whether the other end is gone.
bool receive_message(int socket, wire::message& m, std::array<descriptor, 2>& files, bool wait,
                     bool& ended) noexcept;

/// Tells the other process of segments, each once for each size that it has. Not thread-safe.
class segment_announcer {
public:
    /// False, with errno set, where the message cannot be sent now or any more.
    bool announce(int socket, const segment& s);

private:
    std::map<std::uint32_t, std::size_t> announced_; // the capacity
};

} // namespace ferry::detail
