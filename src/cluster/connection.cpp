// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include "connection_state.hpp"
#include "socket_traffic.hpp"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <limits>
#include <poll.h>
#include <sys/socket.h>

namespace ferry::detail::cluster {
namespace {

using clock = std::chrono::steady_clock;

constexpr amqp_channel_t probe_channel = 2;

template <class Method>
event settled(event::kind how, const amqp_method_t& m) {
    const auto& a = *static_cast<const Method*>(m.decoded);
    event e;
    e.what = how;
    e.tag = a.delivery_tag;
    e.multiple = a.multiple != 0;
    return e;
}

} // namespace

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

connection::~connection() {
    s_->set_file(-1);
    // A broker that is gone, or blocks, is not waited for.
    const timeval moment{0, 200000};
    amqp_set_rpc_timeout(s_->link, &moment);
    amqp_connection_close(s_->link, AMQP_REPLY_SUCCESS);
    amqp_destroy_connection(s_->link);
}

void connection::interrupt() noexcept {
    const annotated_lock lock(s_->mutex);
    if (s_->file >= 0)
        ::shutdown(s_->file, SHUT_RDWR);
}

void connection::interrupt_if_dead() noexcept {
    const annotated_lock lock(s_->mutex);
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
