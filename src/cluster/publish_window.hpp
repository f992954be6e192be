// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <vector>

namespace ferry::detail::cluster {

/// The messages that were sent over one connection and that the broker has neither confirmed nor
/// refused, as far as it is of use to send more of them. It knows no clock, thread or lock.
///
/// The broker numbers the messages of a connection from 1, and may settle one of them, or all up to
/// one, in any order.
class publish_window {
public:
    struct limits {
        std::size_t messages = 1024;
        std::size_t bytes = std::size_t(64) << 20;
    };
    struct message {
        std::uint64_t number = 0; ///< of the task; 0: no task
        std::uint32_t round = 0;
    };

    publish_window() = default;
    explicit publish_window(const limits& l) : limits_(l) {}

    /// Whether another message may be sent, after so many more.
    bool has_room_after(std::size_t messages, std::size_t bytes) const noexcept {
        return unsettled_.size() + messages < limits_.messages && bytes_ + bytes < limits_.bytes;
    }
    /// It was sent. Whoever sends what is no task need not ask for room.
    void sent(const message& m, std::size_t bytes);
    /// The broker has settled the message with this number; with `multiple`, all before it too.
    /// Appends the tasks among them; true if there were any messages.
    bool settle(std::uint64_t number, bool multiple, std::vector<message>& tasks);

private:
    struct entry {
        message what;
        std::size_t bytes = 0;
    };

    const limits limits_;
    std::uint64_t sent_ = 0; // the number that the broker gives to the latest one
    std::map<std::uint64_t, entry> unsettled_;
    std::size_t bytes_ = 0; // of those
};

} // namespace ferry::detail::cluster
