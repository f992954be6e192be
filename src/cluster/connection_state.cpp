// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
// How a connection is made, and what the broker's refusals mean.
#include "connection_state.hpp"

#if __has_include(<rabbitmq-c/amqp.h>)
#include <rabbitmq-c/ssl_socket.h>
#include <rabbitmq-c/tcp_socket.h>
#else
#include <amqp_ssl_socket.h>
#include <amqp_tcp_socket.h>
#endif
#include <openssl/err.h>
#include <openssl/ssl.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <system_error>

namespace ferry::detail::cluster {
namespace {

// Codes with which the broker says that asking again would not change its mind.
bool is_refusal(int code) noexcept {
    return code == AMQP_ACCESS_REFUSED || code == AMQP_NOT_ALLOWED ||
           code == AMQP_PRECONDITION_FAILED || code == AMQP_NOT_IMPLEMENTED;
}

// Why TLS failed, and whether it is for the broker's certificate.
connection_error tls_error(int status, const std::string& doing) {
    const unsigned long last = ERR_peek_last_error();
    const bool certificate = status == AMQP_STATUS_SSL_HOSTNAME_VERIFY_FAILED ||
                             status == AMQP_STATUS_SSL_PEER_VERIFY_FAILED ||
                             ERR_GET_REASON(last) == SSL_R_CERTIFICATE_VERIFY_FAILED;
    std::string text = doing + ": ";
    if (status == AMQP_STATUS_SSL_HOSTNAME_VERIFY_FAILED)
        text += "the broker's certificate is for another host";
    else if (certificate)
        text += "the broker's certificate cannot be trusted";
    else
        text += amqp_error_string2(status);
    if (last != 0) {
        std::array<char, 256> why{};
        ERR_error_string_n(last, why.data(), why.size());
        text += std::string(" (") + why.data() + ")";
    }
    ERR_clear_error();
    return {text, certificate};
}

} // namespace

connection_error closed_by_broker(const amqp_method_t& m, const std::string& doing) {
    int code = 0;
    std::string text = "the connection was closed";
    if (m.id == AMQP_CONNECTION_CLOSE_METHOD) {
        const auto& c = *static_cast<const amqp_connection_close_t*>(m.decoded);
        code = c.reply_code;
        text = text_of(c.reply_text);
    } else if (m.id == AMQP_CHANNEL_CLOSE_METHOD) {
        const auto& c = *static_cast<const amqp_channel_close_t*>(m.decoded);
        code = c.reply_code;
        text = text_of(c.reply_text);
    }
    return {doing + ": the broker says: " + text, is_refusal(code)};
}

void connection::state::check(const amqp_rpc_reply_t& r, const char* doing) const {
    if (r.reply_type == AMQP_RESPONSE_NORMAL)
        return;
    if (r.reply_type == AMQP_RESPONSE_SERVER_EXCEPTION)
        throw closed_by_broker(r.reply, to + ": " + doing);
    check(r.library_error < 0 ? r.library_error : AMQP_STATUS_CONNECTION_CLOSED, doing);
}

amqp_socket_t* connection::state::make_socket(const cluster_options& o,
                                              const broker_address& a) const {
    if (!a.tls)
        return amqp_tcp_socket_new(link);
    amqp_socket_t* const socket = amqp_ssl_socket_new(link);
    if (socket == nullptr)
        return nullptr;
    amqp_ssl_socket_set_verify_peer(socket, 1);
    amqp_ssl_socket_set_verify_hostname(socket, 1);
    amqp_ssl_socket_set_ssl_versions(socket, AMQP_TLSv1_2, AMQP_TLSvLATEST);
    if (o.ca_file.empty())
        SSL_CTX_set_default_verify_paths(
            static_cast<SSL_CTX*>(amqp_ssl_socket_get_context(socket)));
    else if (amqp_ssl_socket_set_cacert(socket, o.ca_file.c_str()) != AMQP_STATUS_OK)
        throw connection_error("cluster_options::ca_file '" + o.ca_file.string() +
                                   "' cannot be used as a file of certificates",
                               true);
    return socket;
}

void connection::state::open(const cluster_options& o, const broker_address& a, const char* role) {
    const timeval ten_seconds{10, 0};
    const timeval half_a_minute{30, 0};
    amqp_socket_t* const socket = make_socket(o, a);
    if (socket == nullptr)
        throw std::bad_alloc();
    amqp_set_handshake_timeout(link, &ten_seconds);
    amqp_set_rpc_timeout(link, &half_a_minute);
    ERR_clear_error();
    const int status = amqp_socket_open_noblock(socket, a.host.c_str(), a.port, &ten_seconds);
    if (status <= AMQP_STATUS_SSL_ERROR && status > -0x0300)
        throw tls_error(status, to);
    if (status != AMQP_STATUS_OK)
        throw connection_error(to + ": cannot connect: " +
                                   (status == AMQP_STATUS_SOCKET_ERROR && errno != 0
                                        ? std::generic_category().message(errno)
                                        : amqp_error_string2(status)),
                               false);
    set_file(amqp_get_sockfd(link));
    log_in(o, a, role);
    amqp_channel_open(link, channel);
    check_last("opening a channel");
}

void connection::state::log_in(const cluster_options& o, const broker_address& a,
                               const char* role) {
    using std::chrono::seconds;
    const auto beat = std::chrono::ceil<seconds>(o.heartbeat.limit().value_or(seconds(10)));
    const int heartbeat = static_cast<int>(std::max<seconds::rep>(1, beat.count()));
    longest_wait = std::chrono::milliseconds(heartbeat * 500);
    std::array capabilities{entry_of("connection.blocked", true),
                            entry_of("consumer_cancel_notify", true),
                            entry_of("publisher_confirms", true), entry_of("basic.nack", true)};
    amqp_table_entry_t with{};
    with.key = amqp_cstring_bytes("capabilities");
    with.value.kind = AMQP_FIELD_KIND_TABLE;
    with.value.value.table = {capabilities.size(), capabilities.data()};
    const std::string name = "ferry " + std::string(role) + " of " + o.application;
    std::array properties{with, entry_of("connection_name", name.c_str())};
    const amqp_table_t table{properties.size(), properties.data()};
    check(amqp_login_with_properties(link, a.vhost.c_str(), 0, AMQP_DEFAULT_FRAME_SIZE, heartbeat,
                                     &table, AMQP_SASL_METHOD_PLAIN, a.user.c_str(),
                                     password_for(o, a).c_str()),
          "logging in");
}

} // namespace ferry::detail::cluster
