// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <vector>

namespace ferry::detail::cluster {

/// What a pool has to say to hosts beside its tasks, until it is published. It knows no clock,
/// thread or lock.
class host_messages {
public:
    using time = std::chrono::steady_clock::time_point;

    struct message {
        std::string exchange;
        std::string key;
        std::vector<std::byte> body;
    };
    using messages = std::deque<message>;

    /// The exchange that reaches all hosts, and the queue for what they reply.
    host_messages(std::string exchange, std::string reply_to);

    /// Asks all hosts to announce themselves.
    void ask_who();
    /// The same, but not again within half a second.
    void ask_who_at(time now);
    /// Asks all hosts which tasks they have.
    void ask_for_beats();
    /// The task is to stop, or nobody waits for it. An empty `host`: all hosts are told.
    void ask_to_stop(std::uint64_t number, const std::string& host);
    void cancel(std::uint64_t number, const std::string& host);

    bool empty() const noexcept { return waiting_.empty(); }
    messages take() noexcept;

private:
    void tell(const std::string& host, std::vector<std::byte> body);

    const std::string exchange_;
    const std::string reply_to_;
    messages waiting_;
    time asked_who_{};
};

} // namespace ferry::detail::cluster
