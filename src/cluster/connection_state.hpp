// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include "connection.hpp"
#include "support/annotated_mutex.hpp"

#if __has_include(<rabbitmq-c/amqp.h>) // since librabbitmq 0.12, which warns of the older names
#include <rabbitmq-c/amqp.h>
#include <rabbitmq-c/framing.h>
#else
#include <amqp.h>
#include <amqp_framing.h>
#endif

#include <chrono>
#include <cstdint>
#include <string>
#include <type_traits>

namespace ferry::detail::cluster {

inline constexpr amqp_channel_t channel = 1;

inline amqp_bytes_t bytes_of(const std::string& text) {
    return {text.size(), const_cast<char*>(text.data())};
}
inline std::string text_of(amqp_bytes_t b) { return {static_cast<const char*>(b.bytes), b.len}; }

template <class T>
amqp_table_entry_t entry_of(const char* key, T value) {
    amqp_table_entry_t e{};
    e.key = amqp_cstring_bytes(key);
    if constexpr (std::is_same_v<T, bool>) {
        e.value.kind = AMQP_FIELD_KIND_BOOLEAN;
        e.value.value.boolean = value;
    } else if constexpr (std::is_integral_v<T>) {
        e.value.kind = AMQP_FIELD_KIND_I64;
        e.value.value.i64 = static_cast<std::int64_t>(value);
    } else {
        e.value.kind = AMQP_FIELD_KIND_UTF8;
        e.value.value.bytes = amqp_cstring_bytes(value);
    }
    return e;
}

/// What the method with which the broker closes a channel or the connection says.
connection_error closed_by_broker(const amqp_method_t& m, const std::string& doing);

/// The connection as librabbitmq sees it. Errors: `connection_error`.
struct connection::state {
    using clock = std::chrono::steady_clock;

    amqp_connection_state_t link = nullptr;
    std::string to; // for texts
    std::chrono::milliseconds longest_wait{};
    annotated_mutex mutex;
    int file FERRY_GUARDED_BY(mutex) = -1;
    std::uint64_t bytes_moved FERRY_GUARDED_BY(mutex) = 0; // acknowledged and received
    clock::time_point moved_at FERRY_GUARDED_BY(mutex){};
    clock::time_point check_again_at FERRY_GUARDED_BY(mutex){};

    void set_file(int f) {
        const annotated_lock lock(mutex);
        file = f;
    }
    // Throws unless all is well.
    void check(int status, const char* doing) const {
        if (status < 0)
            throw connection_error(to + ": " + doing + ": " + amqp_error_string2(status), false);
    }
    void check(const amqp_rpc_reply_t& r, const char* doing) const;
    void check_last(const char* doing) const { check(amqp_get_rpc_reply(link), doing); }

    amqp_socket_t* make_socket(const cluster_options& o, const broker_address& a) const;
    void open(const cluster_options& o, const broker_address& a, const char* role);
    void log_in(const cluster_options& o, const broker_address& a, const char* role);
};

} // namespace ferry::detail::cluster
