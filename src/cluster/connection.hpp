// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include "broker_address.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>

namespace ferry::detail::cluster {

/// A connection that could not be made, or has ended.
class connection_error : public std::runtime_error {
public:
    /// `refused`: trying again is of no use, since the broker has said no.
    connection_error(const std::string& what, bool refused)
        : std::runtime_error(what), refused_(refused) {}
    bool refused() const noexcept { return refused_; }

private:
    bool refused_;
};

/// What arrives over a connection.
struct event {
    enum class kind : std::uint8_t {
        nothing,   ///< for now
        delivery,  ///< a message
        confirmed, ///< the broker has what was published up to, or with, `tag`
        refused,   ///< it does not
        returned,  ///< there was no queue for the mandatory message `tag`; its confirm follows
        blocked,   ///< the broker accepts nothing for now
        unblocked,
        no_consumer ///< the queue is gone
    };
    kind what = kind::nothing;
    std::uint64_t tag = 0;
    bool multiple = false;    ///< and all before it
    bool redelivered = false; ///< of a delivery
    std::shared_ptr<void> keep = {};
    std::span<const std::byte> body = {}; ///< as long as `keep`
};

/// A message to publish.
struct message_options {
    bool persistent = false;
    std::optional<std::uint8_t> priority = {};
    std::optional<std::chrono::milliseconds> expires_after = {};
    std::uint64_t mandatory = 0; ///< the number to return it with where there is no queue; 0: none
};

/// What a queue is like; two who declare it have to agree.
struct queue_options {
    bool durable = false;
    bool exclusive = false;
    bool has_priorities = false;
    std::size_t limit = 0;                                       ///< of its length; 0: none
    std::optional<std::chrono::milliseconds> expires_after = {}; ///< without a consumer
};

/// One connection to the broker with one channel. A thin layer over librabbitmq: blocking, and to
/// be used by one thread, but for `interrupt`.
///
/// Errors of all members: `connection_error`, after which the connection is of no more use.
class connection {
public:
    /// Connects and logs in, within ten seconds.
    connection(const cluster_options& options, const broker_address& address, const char* role);
    ~connection();
    connection(const connection&) = delete;
    connection& operator=(const connection&) = delete;

    void declare_exchange(const std::string& name);
    void declare_queue(const std::string& name, const queue_options& options);
    /// Whether there is such a queue. Uses a channel of its own.
    bool has_queue(const std::string& name);
    void bind(const std::string& queue, const std::string& exchange);
    void delete_queue(const std::string& name);
    /// From now on the broker confirms what is published.
    void select_confirms();
    void publish(const std::string& exchange, const std::string& key,
                 std::span<const std::byte> body, const message_options& options);
    void set_prefetch(std::size_t n);
    /// `tag` is the consumer's name.
    void consume(const std::string& queue, const std::string& tag, bool acknowledge);
    void cancel_consumer(const std::string& tag);
    void acknowledge(std::uint64_t tag, bool multiple = false);

    /// The next thing that has arrived already; `nothing` if there is none.
    event next();
    /// Waits until something arrives, `wake` becomes readable, or the time is over. Sends and
    /// checks heartbeats.
    void wait(int wake, std::chrono::steady_clock::time_point until);

    /// Ends what another thread is doing with the connection. Safe.
    void interrupt() noexcept;
    /// Ends what another thread is doing with the connection if no byte has gone through it, in
    /// either direction, for two heartbeats of calls of this function. The client library checks
    /// heartbeats where it reads; a publish can wait for the broker without a limit. Safe; to be
    /// called several times a heartbeat, by one thread at a time.
    void interrupt_if_dead() noexcept;

private:
    struct state;
    std::unique_ptr<state> s_;
};

} // namespace ferry::detail::cluster
