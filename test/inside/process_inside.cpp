// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
// What is seen inside of a process pool: values in the workers, labels, metrics, the recording.
#include <ferry/process.hpp>

#define BOOST_TEST_MODULE process_inside
#define BOOST_TEST_NO_MAIN
#include <boost/test/unit_test.hpp>

#include "helpers/worker_main.hpp"
#include "inside/picture.hpp"
#include "inside/recorder.hpp"
#include "prometheus_parser.hpp"

#include <ferry/ferry.hpp>

#include <boost/asio/buffer.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/streambuf.hpp>
#include <boost/asio/write.hpp>

#include <algorithm>
#include <csignal>
#include <sstream>
#include <string>
#include <thread>

namespace asio = boost::asio;
using namespace std::chrono_literals;

namespace {

struct trace_context {
    std::string trace_id;
    int depth = 0;
};

ferry::context_value<std::string> request;
ferry::context_value<trace_context> trace;
ferry::context_value<std::thread::id> unsendable;

std::string seen() {
    const std::string r = request.get() != nullptr ? *request.get() : "nothing";
    return trace.get() != nullptr
               ? r + ", " + trace.get()->trace_id + ' ' + std::to_string(trace.get()->depth)
               : r;
}
std::string seen_of(int) { return seen(); }
std::string seen_below() {
    ferry::thread_pool pool(1);
    return pool.submit(seen).result();
}
bool sees_unsendable() { return unsendable.get() != nullptr; }
int twice(int n) { return 2 * n; }
void die() { std::raise(SIGKILL); }
void fail() { throw std::runtime_error("x"); }

} // namespace

BOOST_AUTO_TEST_CASE(a_value_is_seen_in_a_worker_process) {
    ferry::process_pool pool(1);
    {
        const auto a = request.set("r-1");
        BOOST_TEST(pool.submit(seen).result() == "r-1");
        const auto b = trace.set({"4bf92f", 2});
        BOOST_TEST(pool.submit(seen).result() == "r-1, 4bf92f 2");
        const auto inner = request.set("r-2");
        BOOST_TEST(pool.submit(seen).result() == "r-2, 4bf92f 2");
        BOOST_TEST(pool.submit(seen_below).result() == "r-2, 4bf92f 2");
    }
    BOOST_TEST(pool.submit(seen).result() == "nothing");
}

BOOST_AUTO_TEST_CASE(map_carries_the_value_to_workers) {
    ferry::process_pool pool(1);
    const auto s = request.set("m");
    const std::vector<int> numbers{1, 2, 3};
    int count = 0;
    for (const std::string& text : pool.map({.chunksize = 2}, seen_of, numbers)) {
        BOOST_TEST(text == "m");
        ++count;
    }
    BOOST_TEST(count == 3);
}

BOOST_AUTO_TEST_CASE(large_arguments_and_a_value_go_together) {
    ferry::process_pool pool(1);
    const auto s = request.set("large");
    const auto f =
        pool.submit([](const std::string& text) { return std::to_string(text.size()) + seen(); },
                    std::string(1'000'000, 'x'));
    BOOST_TEST(f.result() == "1000000large");
}

BOOST_AUTO_TEST_CASE(what_cannot_be_sent_stays_here) {
    ferry::process_pool pool(1);
    const auto s = unsendable.set(std::this_thread::get_id());
    const ferry::context_value<int> local;
    const auto l = local.set(1); // no worker has that object
    BOOST_TEST(!pool.submit(sees_unsendable).result());
}

BOOST_AUTO_TEST_CASE(a_context_that_is_too_long_is_refused) {
    ferry::process_pool pool(1);
    {
        const auto s = request.set(std::string(5000, 'x'));
        BOOST_CHECK_THROW(pool.submit(seen), std::length_error);
    }
    BOOST_TEST(pool.submit(seen).result() == "nothing");
}

// From the request of a client, through a coroutine, a pool of threads and a worker process, and
// back.
BOOST_AUTO_TEST_CASE(a_trace_id_goes_through_a_request) {
    ferry::process_pool processes(1);
    ferry::thread_pool threads(1);
    asio::io_context io;
    asio::ip::tcp::acceptor acceptor(io, {asio::ip::address_v4::loopback(), 0});
    const auto handle = [&]() -> asio::awaitable<std::string> {
        const auto in_thread = co_await ferry::run_in_executor(threads, seen);
        const auto in_process = co_await ferry::run_in_executor(processes, seen);
        co_return in_thread + '|' + in_process + '|' + seen();
    };
    const auto serve = [&]() -> asio::awaitable<void> {
        auto socket = co_await acceptor.async_accept(asio::use_awaitable);
        asio::streambuf buffer;
        co_await asio::async_read_until(socket, buffer, "\r\n\r\n", asio::use_awaitable);
        std::istream in(&buffer);
        std::string line, id;
        while (std::getline(in, line) && line != "\r") {
            if (line.starts_with("traceparent: "))
                id = line.substr(13, line.size() - 14);
        }
        const std::string body = co_await request.with(id, handle());
        const std::string answer =
            "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) +
            "\r\nConnection: close\r\n\r\n" + body;
        co_await asio::async_write(socket, asio::buffer(answer), asio::use_awaitable);
    };
    std::string received;
    const auto ask = [&]() -> asio::awaitable<void> {
        asio::ip::tcp::socket socket(io);
        co_await socket.async_connect(acceptor.local_endpoint(), asio::use_awaitable);
        const std::string text = "GET / HTTP/1.1\r\nHost: x\r\ntraceparent: 00-abc-01\r\n\r\n";
        co_await asio::async_write(socket, asio::buffer(text), asio::use_awaitable);
        boost::system::error_code end;
        co_await asio::async_read(socket, asio::dynamic_buffer(received),
                                  asio::redirect_error(asio::use_awaitable, end));
    };
    std::exception_ptr error;
    const auto note = [&](std::exception_ptr e) { error = e != nullptr ? e : error; };
    asio::co_spawn(io, serve, note);
    asio::co_spawn(io, ask, note);
    io.run();
    BOOST_TEST((error == nullptr));
    BOOST_TEST(received.ends_with("\r\n\r\n00-abc-01|00-abc-01|00-abc-01"), received);
}

BOOST_AUTO_TEST_CASE(tasks_of_processes_count_under_their_labels) {
    ferry::process_pool pool({.max_workers = 1, .name = "workers"});
    BOOST_TEST(pool.name() == "workers");
    pool.submit({.label = "good"}, twice, 1).wait();
    pool.submit({.label = "bad"}, fail).wait();
    pool.submit({.label = "deadly"}, die).wait();
    pool.submit(twice, 1).wait();
    const auto figures = pool.stats_by_label();
    BOOST_TEST(figures.at("good").completed == 1);
    BOOST_TEST(figures.at("good").run_time.count() == 1);
    BOOST_TEST(figures.at("bad").failed == 1);
    BOOST_TEST(figures.at("deadly").failed == 1);
    BOOST_TEST(figures.at("(anonymous namespace)::twice(int)").completed == 1);
    std::ostringstream text;
    ferry::write_metrics(text);
    const prometheus_page page(text.str());
    BOOST_TEST(page.value("ferry_pool_completed_tasks_total", {{"pool", "workers"}}) == 2);
    BOOST_TEST(page.value("ferry_task_failed_total", {{"pool", "workers"}, {"label", "deadly"}}) ==
               1);
    const auto memory = page.all("ferry_process_resident_memory_bytes");
    BOOST_TEST(std::ranges::all_of(memory, [](const auto& s) { return s.value > 0; }));
}

BOOST_AUTO_TEST_CASE(a_process_pool_is_in_the_picture) {
    ferry::process_pool pool({.max_workers = 1, .name = "pictured"});
    pool.submit({.label = "done"}, twice, 1).wait();
    const auto p =
        ferry::detail::take_picture(*ferry::detail::recorder::instance().layout(),
                                    ferry::detail::steady_now(), [](auto) { return "f"; });
    const auto at = std::ranges::find(p.pools, "pictured", &ferry::detail::picture::pool::name);
    BOOST_REQUIRE((at != p.pools.end()));
    BOOST_TEST(at->kind == ferry::detail::recording::pool::processes);
    BOOST_TEST(at->workers.size() == 1);
    BOOST_TEST(at->queued == 0);
    using ferry::detail::recording::event;
    std::vector<std::uint32_t> kinds;
    for (const auto& e : at->events) {
        if (e.label == "done")
            kinds.push_back(e.kind);
    }
    BOOST_TEST(kinds ==
                   (std::vector<std::uint32_t>{event::submitted, event::started, event::completed}),
               boost::test_tools::per_element());
}
