// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include "http_server.hpp"

#include "refusal.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>

#include <chrono>
#include <exception>
#include <utility>

using boost::asio::ip::tcp;
using clock_type = std::chrono::steady_clock;
using namespace std::chrono_literals;

namespace server {
namespace {

constexpr auto token = asio::as_tuple(asio::use_awaitable);
using message = http::response<http::string_body>;

constexpr std::size_t max_connections = 1000;
constexpr std::size_t max_body = 64 * 1024;
constexpr std::uint32_t max_header = 8 * 1024;
constexpr auto silence = 30s; // of a client, in the middle of a request as between two

} // namespace

http_server::http_server(asio::io_context& context, tcp::endpoint at, handler answer)
    : context_(context), acceptor_(context, at), answer_(std::move(answer)), changed_(context) {}

asio::awaitable<void> http_server::run() {
    while (!draining_) {
        auto [error, socket] = co_await acceptor_.async_accept(token);
        if (!error)
            start(std::move(socket));
        else if (!draining_) // no descriptor, or no memory, is left: a while later there may be
            co_await wait_for_change(clock_type::now() + 100ms);
        while (!draining_ && connections_.size() >= max_connections)
            co_await wait_for_change(time_point::max());
    }
}

void http_server::start(tcp::socket socket) {
    connections_.push_front({.stream = boost::beast::tcp_stream(std::move(socket))});
    const auto client = connections_.begin();
    asio::co_spawn(context_, serve(*client), [this, client](std::exception_ptr) {
        connections_.erase(client);
        changed_.cancel();
    });
}

asio::awaitable<void> http_server::serve(connection& client) {
    boost::beast::flat_buffer buffer;
    for (;;) {
        http::request_parser<http::string_body> parser;
        parser.header_limit(max_header);
        parser.body_limit(max_body);
        client.waits_for_request = true;
        client.stream.expires_after(silence);
        auto [no_header, header_bytes] =
            co_await http::async_read_header(client.stream, buffer, parser, token);
        if (no_header)
            co_return;
        client.waits_for_request = false;
        auto [no_body, body_bytes] =
            co_await http::async_read(client.stream, buffer, parser, token);
        if (no_body)
            co_return;

        ++requests_;
        client.stream.expires_never(); // the handler has limits of its own
        const bool keep_alive = parser.get().keep_alive();
        const bool head = parser.get().method() == http::verb::head;
        request asked = parser.release();
        response reply = co_await answer_to(client, std::move(asked));
        refused_ += reply.result() == http::status::service_unavailable;
        if (reply.next_event) {
            co_await send_events(client, std::move(reply));
            co_return;
        }
        reply.keep_alive(keep_alive && !draining_);
        reply.prepare_payload();
        if (head)
            reply.body().clear();
        client.stream.expires_after(silence);
        auto [broken, sent] =
            co_await http::async_write(client.stream, static_cast<message&>(reply), token);
        if (broken || !reply.keep_alive())
            break;
    }
    boost::system::error_code ignored;
    client.stream.socket().shutdown(tcp::socket::shutdown_send, ignored);
}

asio::awaitable<void> http_server::send_events(connection& client, response beginning) {
    http::response<http::empty_body> head(beginning.base());
    head.set(http::field::content_type, "text/event-stream");
    head.set(http::field::cache_control, "no-store");
    head.chunked(true);
    head.keep_alive(false);
    http::response_serializer<http::empty_body> serializer(head);
    client.stream.expires_after(silence);
    auto [broken, sent] = co_await http::async_write_header(client.stream, serializer, token);
    asio::steady_timer timer(context_);
    while (!broken && !draining_) {
        const std::string event = "data: " + beginning.next_event() + "\n\n";
        client.stream.expires_after(silence);
        auto [failed, size] =
            co_await asio::async_write(client.stream, http::make_chunk(asio::buffer(event)), token);
        if (failed)
            co_return;
        timer.expires_after(1s);
        co_await timer.async_wait(token);
    }
    co_await asio::async_write(client.stream, http::make_chunk_last(), token);
}

asio::awaitable<response> http_server::answer_to(connection& client, request asked) {
    std::exception_ptr error;
    try {
        client.answer =
            ferry::run_coroutine_threadsafe(context_.get_executor(), answer_(std::move(asked)));
        co_return co_await client.answer.async_result();
    } catch (...) {
        error = std::current_exception();
    }
    co_return refusal(error);
}

asio::awaitable<void> http_server::drain(time_point deadline) {
    draining_ = true;
    acceptor_.non_blocking(true);
    boost::system::error_code error;
    for (;;) { // connections that the system has accepted already
        tcp::socket socket(context_);
        acceptor_.accept(socket, error);
        if (error)
            break;
        start(std::move(socket));
    }
    acceptor_.close(error);
    changed_.cancel();
    for (connection& client : connections_) {
        // What has arrived can still be read; behind it the request ends, or the connection.
        if (client.waits_for_request)
            client.stream.socket().shutdown(tcp::socket::shutdown_receive, error);
    }
    while (!connections_.empty() && clock_type::now() < deadline)
        co_await wait_for_change(deadline);
    for (connection& client : connections_) {
        if (client.answer.valid())
            client.answer.cancel();
    }
    const auto end = clock_type::now() + 200ms; // to write these answers
    while (!connections_.empty() && clock_type::now() < end)
        co_await wait_for_change(end);
}

asio::awaitable<void> http_server::wait_for_change(time_point until) {
    changed_.expires_at(until);
    co_await changed_.async_wait(token);
}

} // namespace server
