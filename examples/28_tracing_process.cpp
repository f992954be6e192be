// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
// A trace goes with an HTTP request through a coroutine, a pool and a worker process, and back: each
// of them leaves a span that names its parent, as the tracers of OpenTelemetry do.
#include <ferry/ferry.hpp>
#include <ferry/process.hpp>

#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/write.hpp>

#include <exception>
#include <iostream>
#include <string>
#include <utility>

namespace asio = boost::asio;
using asio::ip::tcp;

namespace {

// ---- The tracer -------------------------------------------------------------------------------

// What the header `traceparent` of W3C says: 00-TRACE-SPAN-01. It follows the work by itself, into
// worker processes too, because it is a value that can be sent.
struct trace_parent {
    std::string trace, span;
    std::string header() const { return "00-" + trace + '-' + span + "-01"; }
};
ferry::context_value<trace_parent> current;

trace_parent parse(const std::string& head) {
    const std::string name = "traceparent: 00-";
    const auto at = head.find(name);
    if (at == std::string::npos || head.size() < at + name.size() + 32 + 1 + 16)
        return {std::string(32, '0'), std::string(16, '0')};
    return {head.substr(at + name.size(), 32), head.substr(at + name.size() + 33, 16)};
}

// Tells what is done on whose behalf, and is the parent of what is done below. A real tracer makes
// the number of a span by chance; this one is readable.
class span {
public:
    explicit span(const std::string& name) : span(name, *current.get()) {}
    span(const std::string& name, const trace_parent& parent)
        : mine_{parent.trace, (name + "0000000000000000").substr(0, 16)},
          scope_(current.set(mine_)) {
        std::cout << name + " is a child of " + parent.span + " in trace " + parent.trace + '\n'
                  << std::flush;
    }
    const trace_parent& parent() const { return mine_; }

private:
    const trace_parent mine_;
    const ferry::context_value<trace_parent>::scope scope_;
};

// ---- The work ---------------------------------------------------------------------------------

// Runs in a worker process.
std::string render(const std::string& row) {
    const span s("render");
    return '<' + row + '>' + s.parent().header();
}

// Runs in a thread; what it starts sees its span.
std::string query(ferry::process_pool& renderers) {
    const span s("query");
    return renderers.submit(render, std::string("row")).result();
}

asio::awaitable<std::string> answer(ferry::thread_pool& database, ferry::process_pool& renderers) {
    co_return co_await ferry::run_in_executor(database, query, std::ref(renderers));
}

asio::awaitable<void> serve(tcp::acceptor& acceptor, ferry::thread_pool& database,
                            ferry::process_pool& renderers) {
    tcp::socket peer = co_await acceptor.async_accept(asio::use_awaitable);
    std::string head;
    co_await asio::async_read_until(peer, asio::dynamic_buffer(head), "\r\n\r\n",
                                    asio::use_awaitable);
    trace_parent request;
    { // a scope must not live across a co_await
        const span s("request", parse(head));
        request = s.parent();
    }
    auto traced = current.with(request, answer(database, renderers));
    const std::string body = co_await std::move(traced);
    const std::string reply =
        "HTTP/1.1 200 OK\r\nConnection: close\r\ntraceparent: " + request.header() + "\r\n\r\n" +
        body;
    co_await asio::async_write(peer, asio::buffer(reply), asio::use_awaitable);
}

asio::awaitable<std::string> ask(tcp::endpoint where) {
    tcp::socket peer(co_await asio::this_coro::executor);
    co_await peer.async_connect(where, asio::use_awaitable);
    const std::string request =
        "GET / HTTP/1.1\r\nHost: example\r\n"
        "traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
        "\r\n\r\n";
    co_await asio::async_write(peer, asio::buffer(request), asio::use_awaitable);
    std::string all;
    boost::system::error_code end;
    co_await asio::async_read(peer, asio::dynamic_buffer(all),
                              asio::redirect_error(asio::use_awaitable, end));
    co_return all;
}

asio::awaitable<void> run() {
    ferry::thread_pool database(1);
    ferry::process_pool renderers(1);
    const auto executor = co_await asio::this_coro::executor;
    tcp::acceptor acceptor(executor, {asio::ip::address_v4::loopback(), 0});
    auto [served, answered] = co_await ferry::gather(serve(acceptor, database, renderers),
                                                     ask(acceptor.local_endpoint()));
    static_cast<void>(served);
    std::cout << answered.substr(answered.find("traceparent")) << '\n';
}

} // namespace

int main() {
    ferry::run_worker_if_spawned();
    ferry::run(run());
}
