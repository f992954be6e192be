// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <ferry/cluster/options.hpp>

#include <cstdint>
#include <string>

namespace ferry::detail::cluster {

/// Where the broker is, as the URL says.
struct broker_address {
    bool tls = true;
    std::string host;
    std::uint16_t port = 0;
    std::string vhost = "/";
    std::string user = "guest";
    std::string password = {}; ///< if the URL has one

    /// For texts: without the password.
    std::string text() const;
};

/// Errors: `std::invalid_argument` that says what is wrong, and never names the password.
broker_address parse_address(const std::string& url);
/// True for a host name or address that cannot leave this machine.
bool is_loopback(const std::string& host) noexcept;
/// Errors: `std::invalid_argument` for options that no pool and no host can use.
broker_address check_options(const cluster_options& options);
/// The names of the queue of tasks, and of the exchange for announcements.
std::string task_queue_name(const cluster_options& options);
std::string exchange_name(const cluster_options& options);
/// A name of a queue that nobody else has.
std::string unique_queue_name(const char* prefix);
/// The password for a connection. Errors: `std::runtime_error` for a file that cannot be read; what
/// the callback throws.
std::string password_for(const cluster_options& options, const broker_address& address);

} // namespace ferry::detail::cluster
