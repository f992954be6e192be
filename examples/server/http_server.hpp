// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <ferry/ferry.hpp>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <list>
#include <string>

namespace server {

namespace asio = boost::asio;
namespace http = boost::beast::http;

using request = http::request<http::string_body>;

/// An answer, or the beginning of one that goes on: where there is `next_event`, the answer is a
/// stream of server-sent events, one a second, until the client leaves or the server ends.
struct response : http::response<http::string_body> {
    using http::response<http::string_body>::response;
    std::function<std::string()> next_event = nullptr;
};

using time_point = std::chrono::steady_clock::time_point;
/// Answers one request. What it throws is answered by `refusal`.
using handler = std::function<asio::awaitable<response>(request)>;

/// Speaks HTTP on one port, in the thread that runs the context. What it holds is bounded: the
/// connections, the size of a request, and the time for which a client may send or receive nothing.
class http_server {
public:
    /// Listens; port 0 chooses a free one. Throws `system_error`.
    http_server(asio::io_context& context, asio::ip::tcp::endpoint at, handler answer);

    asio::ip::tcp::endpoint endpoint() const { return acceptor_.local_endpoint(); }
    std::uint64_t requests() const noexcept { return requests_; }
    std::uint64_t refused() const noexcept { return refused_; } ///< those answered with 503
    std::size_t connections() const noexcept { return connections_.size(); }

    /// Accepts connections until `drain`.
    asio::awaitable<void> run();

    /// Accepts nothing more, and waits until every request that has arrived is answered. Those that
    /// are not finished at the deadline are answered with 503.
    asio::awaitable<void> drain(time_point deadline);

private:
    struct connection {
        boost::beast::tcp_stream stream;
        bool waits_for_request = true;
        ferry::future<response> answer{}; ///< of the request that is being answered
    };

    void start(asio::ip::tcp::socket socket);
    asio::awaitable<void> serve(connection& client);
    asio::awaitable<response> answer_to(connection& client, request asked);
    asio::awaitable<void> send_events(connection& client, response beginning);
    asio::awaitable<void> wait_for_change(time_point until);

    asio::io_context& context_;
    asio::ip::tcp::acceptor acceptor_;
    handler answer_;
    std::list<connection> connections_;
    asio::steady_timer changed_; ///< cancelled when a connection has ended
    bool draining_ = false;
    std::uint64_t requests_ = 0;
    std::uint64_t refused_ = 0;
};

} // namespace server
