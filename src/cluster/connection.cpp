// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include "connection.hpp"

#include <ferry/config.hpp>

#include "socket_traffic.hpp"

#include <amqp.h>
#include <amqp_framing.h>
#include <amqp_ssl_socket.h>
#include <amqp_tcp_socket.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <limits>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace ferry::detail::cluster {
namespace {

using clock = std::chrono::steady_clock;

constexpr amqp_channel_t channel = 1;
constexpr amqp_channel_t probe_channel = 2;

amqp_bytes_t bytes_of(const std::string& text) {
    return {text.size(), const_cast<char*>(text.data())};
}
std::string text_of(amqp_bytes_t b) { return {static_cast<const char*>(b.bytes), b.len}; }

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

template <class Method>
event settled(event::kind how, const amqp_method_t& m) {
    const auto& a = *static_cast<const Method*>(m.decoded);
    event e;
    e.what = how;
    e.tag = a.delivery_tag;
    e.multiple = a.multiple != 0;
    return e;
}

// Codes with which the broker says that asking again would not change its mind.
bool is_refusal(int code) noexcept {
    return code == AMQP_ACCESS_REFUSED || code == AMQP_NOT_ALLOWED ||
           code == AMQP_PRECONDITION_FAILED || code == AMQP_NOT_IMPLEMENTED;
}

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

struct connection::state {
    amqp_connection_state_t link = nullptr;
    std::string to; // for texts
    std::chrono::milliseconds longest_wait{};
    std::mutex mutex; // guards what follows
    int file = -1;
    std::uint64_t bytes_moved = 0; // acknowledged and received
    clock::time_point moved_at{};
    clock::time_point check_again_at{};

    void set_file(int f) {
        const std::lock_guard lock(mutex);
        file = f;
    }
    // Throws unless all is well.
    void check(int status, const char* doing) const {
        if (status < 0)
            throw connection_error(to + ": " + doing + ": " + amqp_error_string2(status), false);
    }
    void check(const amqp_rpc_reply_t& r, const char* doing) const {
        if (r.reply_type == AMQP_RESPONSE_NORMAL)
            return;
        if (r.reply_type == AMQP_RESPONSE_SERVER_EXCEPTION)
            throw closed_by_broker(r.reply, to + ": " + doing);
        check(r.library_error < 0 ? r.library_error : AMQP_STATUS_CONNECTION_CLOSED, doing);
    }
    void check_last(const char* doing) const { check(amqp_get_rpc_reply(link), doing); }

    amqp_socket_t* make_socket(const cluster_options& o, const broker_address& a) const {
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
    void open(const cluster_options& o, const broker_address& a, const char* role);
    void log_in(const cluster_options& o, const broker_address& a, const char* role);
};

connection::connection(const cluster_options& o, const broker_address& a, const char* role)
    : s_(std::make_unique<state>()) {
    s_->to = a.text();
    s_->link = amqp_new_connection();
    if (s_->link == nullptr)
        throw std::bad_alloc();
    try {
        s_->open(o, a, role);
    } catch (...) {
        amqp_destroy_connection(s_->link);
        throw;
    }
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

connection::~connection() {
    s_->set_file(-1);
    // A broker that is gone, or blocks, is not waited for.
    const timeval moment{0, 200000};
    amqp_set_rpc_timeout(s_->link, &moment);
    amqp_connection_close(s_->link, AMQP_REPLY_SUCCESS);
    amqp_destroy_connection(s_->link);
}

void connection::interrupt() noexcept {
    const std::lock_guard lock(s_->mutex);
    if (s_->file >= 0)
        ::shutdown(s_->file, SHUT_RDWR);
}

void connection::interrupt_if_dead() noexcept {
    const std::lock_guard lock(s_->mutex);
    if (s_->file < 0)
        return;
    const auto now = clock::now();
    if (now < s_->check_again_at)
        return;
    s_->check_again_at = now + s_->longest_wait / 4;
    const auto moved = socket_traffic(s_->file);
    if (!moved)
        return;
    if (*moved != s_->bytes_moved || s_->moved_at == clock::time_point()) {
        s_->bytes_moved = *moved;
        s_->moved_at = now;
    } else if (now - s_->moved_at > 4 * s_->longest_wait) {
        ::shutdown(s_->file, SHUT_RDWR);
    }
}

// ---- What is declared ---------------------------------------------------------------------------

void connection::declare_exchange(const std::string& name) {
    amqp_exchange_declare(s_->link, channel, bytes_of(name), amqp_cstring_bytes("fanout"), 0, 1, 0,
                          0, amqp_empty_table);
    s_->check_last("declaring the exchange");
}

void connection::declare_queue(const std::string& name, const queue_options& o) {
    std::array<amqp_table_entry_t, 4> arguments{};
    int count = 0;
    const auto add = [&](const amqp_table_entry_t& e) {
        arguments[static_cast<std::size_t>(count++)] = e;
    };
    if (o.has_priorities)
        add(entry_of("x-max-priority", 10));
    if (o.expires_after)
        add(entry_of("x-expires", o.expires_after->count()));
    if (o.limit != 0) {
        add(entry_of("x-max-length", o.limit));
        add(entry_of("x-overflow", "reject-publish"));
    }
    amqp_queue_declare(s_->link, channel, bytes_of(name), 0, o.durable, o.exclusive, o.exclusive,
                       {count, arguments.data()});
    s_->check_last(("declaring the queue '" + name + "'").c_str());
}

bool connection::has_queue(const std::string& name) {
    amqp_channel_open(s_->link, probe_channel);
    s_->check_last("opening a channel");
    amqp_queue_declare(s_->link, probe_channel, bytes_of(name), 1, 0, 0, 0, amqp_empty_table);
    const amqp_rpc_reply_t r = amqp_get_rpc_reply(s_->link);
    if (r.reply_type == AMQP_RESPONSE_SERVER_EXCEPTION && r.reply.id == AMQP_CHANNEL_CLOSE_METHOD) {
        amqp_channel_close_ok_t ok{};
        s_->check(amqp_send_method(s_->link, probe_channel, AMQP_CHANNEL_CLOSE_OK_METHOD, &ok),
                  "closing a channel");
        return false;
    }
    s_->check(r, "looking for a queue");
    s_->check(amqp_channel_close(s_->link, probe_channel, AMQP_REPLY_SUCCESS), "closing a channel");
    return true;
}

void connection::bind(const std::string& queue, const std::string& exchange) {
    amqp_queue_bind(s_->link, channel, bytes_of(queue), bytes_of(exchange), amqp_empty_bytes,
                    amqp_empty_table);
    s_->check_last("binding a queue");
}

void connection::delete_queue(const std::string& name) {
    amqp_queue_delete(s_->link, channel, bytes_of(name), 0, 0);
    s_->check_last("deleting a queue");
}

void connection::select_confirms() {
    amqp_confirm_select(s_->link, channel);
    s_->check_last("asking for confirms");
}

void connection::set_prefetch(std::size_t n) {
    amqp_basic_qos(s_->link, channel, 0,
                   static_cast<std::uint16_t>(
                       std::min<std::size_t>(n, std::numeric_limits<std::uint16_t>::max())),
                   0);
    s_->check_last("limiting deliveries");
}

void connection::consume(const std::string& queue, const std::string& tag, bool acknowledge) {
    amqp_basic_consume(s_->link, channel, bytes_of(queue), bytes_of(tag), 0, !acknowledge, 0,
                       amqp_empty_table);
    s_->check_last(("consuming from '" + queue + "'").c_str());
}

void connection::cancel_consumer(const std::string& tag) {
    // Without waiting for the reply, before which messages may arrive that count.
    amqp_basic_cancel_t m{};
    m.consumer_tag = bytes_of(tag);
    m.nowait = 1;
    s_->check(amqp_send_method(s_->link, channel, AMQP_BASIC_CANCEL_METHOD, &m),
              "ending a consumer");
}

// ---- Messages -----------------------------------------------------------------------------------

void connection::publish(const std::string& exchange, const std::string& key,
                         std::span<const std::byte> body, const message_options& o) {
    amqp_basic_properties_t p{};
    p._flags = AMQP_BASIC_DELIVERY_MODE_FLAG;
    p.delivery_mode = o.persistent ? 2 : 1;
    if (o.priority) {
        p._flags |= AMQP_BASIC_PRIORITY_FLAG;
        p.priority = *o.priority;
    }
    std::string expiration;
    if (o.expires_after) {
        expiration = std::to_string(std::max<std::int64_t>(0, o.expires_after->count()));
        p._flags |= AMQP_BASIC_EXPIRATION_FLAG;
        p.expiration = bytes_of(expiration);
    }
    std::string number;
    if (o.mandatory != 0) {
        number = std::to_string(o.mandatory);
        p._flags |= AMQP_BASIC_MESSAGE_ID_FLAG;
        p.message_id = bytes_of(number);
    }
    s_->check(amqp_basic_publish(s_->link, channel, bytes_of(exchange), bytes_of(key),
                                 o.mandatory != 0, 0, &p,
                                 {body.size(), const_cast<std::byte*>(body.data())}),
              "publishing");
}

void connection::acknowledge(std::uint64_t tag, bool multiple) {
    s_->check(amqp_basic_ack(s_->link, channel, tag, multiple), "acknowledging");
}

event connection::next() {
    const auto read_message = [this] {
        auto message = std::make_unique<amqp_message_t>();
        s_->check(amqp_read_message(s_->link, channel, message.get(), 0), "reading a message");
        return std::shared_ptr<amqp_message_t>(message.release(), [](amqp_message_t* m) {
            amqp_destroy_message(m);
            delete m;
        });
    };
    for (;;) {
        amqp_maybe_release_buffers(s_->link);
        amqp_frame_t f{};
        const timeval now{0, 0};
        const int status = amqp_simple_wait_frame_noblock(s_->link, &f, &now);
        if (status == AMQP_STATUS_TIMEOUT)
            return {};
        s_->check(status, "reading");
        if (f.frame_type != AMQP_FRAME_METHOD)
            continue;
        const amqp_method_t& m = f.payload.method;
        event e;
        switch (m.id) {
        case AMQP_BASIC_DELIVER_METHOD: {
            const auto& d = *static_cast<const amqp_basic_deliver_t*>(m.decoded);
            e.what = event::kind::delivery;
            e.tag = d.delivery_tag;
            e.redelivered = d.redelivered != 0;
            const auto keep = read_message();
            e.body = {static_cast<const std::byte*>(keep->body.bytes), keep->body.len};
            e.keep = keep;
            return e;
        }
        case AMQP_BASIC_RETURN_METHOD: {
            e.what = event::kind::returned;
            const auto message = read_message();
            e.tag = std::strtoull(text_of(message->properties.message_id).c_str(), nullptr, 10);
            return e;
        }
        case AMQP_BASIC_ACK_METHOD: return settled<amqp_basic_ack_t>(event::kind::confirmed, m);
        case AMQP_BASIC_NACK_METHOD: return settled<amqp_basic_nack_t>(event::kind::refused, m);
        case AMQP_CONNECTION_BLOCKED_METHOD: e.what = event::kind::blocked; return e;
        case AMQP_CONNECTION_UNBLOCKED_METHOD: e.what = event::kind::unblocked; return e;
        case AMQP_BASIC_CANCEL_METHOD: e.what = event::kind::no_consumer; return e;
        case AMQP_CHANNEL_CLOSE_METHOD:
        case AMQP_CONNECTION_CLOSE_METHOD: throw closed_by_broker(m, s_->to);
        default: break; // replies that nobody waits for
        }
    }
}

void connection::wait(int wake, clock::time_point until) {
    const auto most = std::min(until, clock::now() + s_->longest_wait);
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(most - clock::now());
    pollfd from[] = {{amqp_get_sockfd(s_->link), POLLIN, 0}, {wake, POLLIN, 0}};
    ::poll(from, 2, static_cast<int>(std::max<std::int64_t>(0, left.count())));
}

} // namespace ferry::detail::cluster
