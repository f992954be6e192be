// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
// An API server on loopback: GET /prime/N says whether N is a prime. The arithmetic runs in worker
// processes, so the event loop stays free, and a worker that dies costs one request, answered with
// 503. Prints its URL, and serves until its standard input ends.
#include <ferry/ferry.hpp>
#include <ferry/process.hpp>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>

#include <charconv>
#include <cstdint>
#include <iostream>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include <unistd.h>

namespace asio = boost::asio;
namespace http = boost::beast::http;
using asio::ip::tcp;

namespace {

constexpr auto token = asio::as_tuple(asio::use_awaitable);

bool is_prime(std::uint64_t n) {
    for (std::uint64_t d = 2; d * d <= n; ++d) {
        if (n % d == 0)
            return false;
    }
    return n > 1;
}

/// The number in "/prime/N", or nothing.
std::optional<std::uint64_t> number_in(std::string_view target) {
    constexpr std::string_view prefix = "/prime/";
    if (!target.starts_with(prefix))
        return std::nullopt;
    target.remove_prefix(prefix.size());
    std::uint64_t n = 0;
    const char* const end = target.data() + target.size();
    const auto r = std::from_chars(target.data(), end, n);
    if (r.ec != std::errc() || r.ptr != end || n > 1'000'000'000'000'000)
        return std::nullopt;
    return n;
}

asio::awaitable<void> answer(ferry::process_pool& pool, std::string_view target,
                             http::response<http::string_body>& response) {
    const auto n = number_in(target);
    if (!n) {
        response.result(http::status::not_found);
        response.body() = "{\"error\": \"use /prime/N, N at most 10^15\"}\n";
        co_return;
    }
    std::string failure;
    try {
        const bool prime = co_await ferry::run_in_executor(pool, is_prime, *n);
        response.body() =
            "{\"n\": " + std::to_string(*n) + ", \"prime\": " + (prime ? "true" : "false") + "}\n";
        co_return;
    } catch (const ferry::worker_died& e) {
        failure = e.what();
    }
    std::cerr << "prime_server: " << failure << '\n';
    response.result(http::status::service_unavailable);
    response.body() = "{\"error\": \"the worker died; try again\"}\n";
}

asio::awaitable<void> serve(ferry::process_pool& pool, tcp::socket socket) {
    boost::beast::flat_buffer buffer;
    for (;;) {
        http::request<http::empty_body> request;
        auto [failed, got] = co_await http::async_read(socket, buffer, request, token);
        if (failed)
            co_return;
        http::response<http::string_body> response(http::status::ok, request.version());
        response.keep_alive(request.keep_alive());
        response.set(http::field::content_type, "application/json");
        const std::string target(request.target());
        co_await answer(pool, target, response);
        response.prepare_payload();
        auto [broken, sent] = co_await http::async_write(socket, response, token);
        if (broken || !response.keep_alive())
            co_return;
    }
}

asio::awaitable<void> accept(ferry::process_pool& pool, tcp::acceptor& acceptor) {
    for (;;) {
        auto [error, socket] = co_await acceptor.async_accept(token);
        if (error)
            co_return;
        asio::co_spawn(acceptor.get_executor(), serve(pool, std::move(socket)), asio::detached);
    }
}

} // namespace

int main() {
    ferry::run_worker_if_spawned();
    ferry::process_pool pool(2);
    asio::io_context context(1);
    tcp::acceptor acceptor(context, {asio::ip::address_v4::loopback(), 0});
    asio::co_spawn(context, accept(pool, acceptor), asio::detached);
    asio::posix::stream_descriptor input(context, ::dup(STDIN_FILENO));
    char ignored[64];
    input.async_read_some(asio::buffer(ignored),
                          [&context](boost::system::error_code, std::size_t) { context.stop(); });
    std::cout << "http://127.0.0.1:" << acceptor.local_endpoint().port() << std::endl;
    context.run();
}
