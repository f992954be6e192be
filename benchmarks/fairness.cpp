// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
// Who waits for whom: timers and sockets beside a flood of results on one io_context, and a task of
// high priority behind many of low. `ns` is the worst that was seen; the median stands beside it.
#include "offloads.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>

#include <algorithm>
#include <chrono>

namespace asio = boost::asio;
using asio::ip::tcp;
using clock_type = std::chrono::steady_clock;
using namespace std::chrono_literals;

namespace {

double ns_between(clock_type::time_point from, clock_type::time_point to) {
    return std::chrono::duration<double, std::nano>(to - from).count();
}

sample worst_of(std::vector<double> delays) {
    if (delays.empty())
        return {};
    std::ranges::sort(delays);
    const std::size_t n = delays.size();
    return {n, delays.back(), 0, 0, {{"median", delays[n / 2]}, {"p99", delays[n * 99 / 100]}}};
}

/// What is measured until the flood is over.
struct probe {
    bool over = false;
    std::vector<double> delays = {};
};

/// How late a timer of a millisecond is.
asio::awaitable<void> watch_timer(probe& p) {
    asio::steady_timer timer(co_await asio::this_coro::executor);
    while (!p.over) {
        timer.expires_after(1ms);
        co_await timer.async_wait(asio::use_awaitable);
        p.delays.push_back(ns_between(timer.expiry(), clock_type::now()));
    }
}

asio::awaitable<void> answer(tcp::socket socket) {
    for (char c = 0; c != 'q';) {
        co_await asio::async_read(socket, asio::buffer(&c, 1), asio::use_awaitable);
        co_await asio::async_write(socket, asio::buffer(&c, 1), asio::use_awaitable);
    }
}

/// How long a byte takes to an echo server on the same io_context and back, each millisecond.
asio::awaitable<void> watch_echo(probe& p) {
    const auto here = co_await asio::this_coro::executor;
    tcp::acceptor acceptor(here, {asio::ip::address_v4::loopback(), 0});
    tcp::socket client(here);
    client.connect(acceptor.local_endpoint());
    client.set_option(tcp::no_delay(true));
    tcp::socket server = acceptor.accept();
    server.set_option(tcp::no_delay(true));
    asio::co_spawn(here, answer(std::move(server)), asio::detached);
    asio::steady_timer timer(here);
    for (char c = 'e'; c != 'q';) {
        c = p.over ? 'q' : 'e';
        const auto sent = clock_type::now();
        co_await asio::async_write(client, asio::buffer(&c, 1), asio::use_awaitable);
        co_await asio::async_read(client, asio::buffer(&c, 1), asio::use_awaitable);
        p.delays.push_back(ns_between(sent, clock_type::now()));
        timer.expires_after(1ms);
        co_await timer.async_wait(asio::use_awaitable);
    }
}

using watcher = asio::awaitable<void>(probe&);

/// A thousand coroutines go to the pool and back as fast as they can.
template <class Way, watcher Watch>
sample flooded(std::size_t each) {
    constexpr std::size_t coroutines = 1000;
    Way way;
    probe p;
    std::size_t left = coroutines;
    asio::io_context io(1);
    asio::co_spawn(io, Watch(p), asio::detached);
    for (std::size_t c = 0; c < coroutines; ++c)
        asio::co_spawn(io, trips(way, each),
                       [&](const std::exception_ptr&) { p.over = --left == 0; });
    io.run();
    return worst_of(std::move(p.delays));
}

/// The same for some milliseconds without a flood.
template <watcher Watch>
sample quiet(std::size_t ms) {
    probe p;
    asio::io_context io(1);
    asio::co_spawn(io, Watch(p), asio::detached);
    asio::steady_timer end(io, std::chrono::milliseconds(ms));
    end.async_wait([&](const boost::system::error_code&) { p.over = true; });
    io.run();
    return worst_of(std::move(p.delays));
}

void work_for_2us() {
    for (const auto end = clock_type::now() + 2us; clock_type::now() < end;)
        continue;
}

/// From the submission of an urgent task to its result, while `behind` others wait.
template <class Submit, class Urgent>
sample urgent_behind(std::size_t behind, std::size_t probes, Submit submit, Urgent urgent) {
    for (std::size_t i = 0; i < behind; ++i)
        submit();
    std::vector<double> delays;
    for (std::size_t i = 0; i < probes; ++i) {
        const auto start = clock_type::now();
        urgent();
        delays.push_back(ns_between(start, clock_type::now()));
    }
    return worst_of(std::move(delays));
}

sample priority_ferry(std::size_t behind) {
    ferry::thread_pool pool(workers);
    sample s = urgent_behind(
        behind, 100, [&] { pool.submit(work_for_2us); },
        [&] { pool.submit({.priority = 1}, work_for_2us).result(); });
    s.more.emplace_back("still_queued", static_cast<double>(pool.stats().queued));
    return s;
}
/// It has no priorities: the first task behind the others waits for all of them.
sample priority_asio(std::size_t behind) {
    asio::thread_pool pool(workers);
    return urgent_behind(
        behind, 1, [&] { asio::post(pool, work_for_2us); },
        [&] { asio::post(pool, asio::use_future(work_for_2us)).get(); });
}
/// The task itself, and a thread that is not woken.
sample priority_floor(std::size_t) {
    return urgent_behind(0, 100, [] {}, work_for_2us);
}

constexpr workload all[] = {
    {"timer", "ferry", 1000, flooded<by_ferry, watch_timer>},
    {"timer", "asio", 1000, flooded<by_initiate<asio_pool>, watch_timer>},
    {"timer", "floor", 500, quiet<watch_timer>},
    {"echo", "ferry", 1000, flooded<by_ferry, watch_echo>},
    {"echo", "asio", 1000, flooded<by_initiate<asio_pool>, watch_echo>},
    {"echo", "floor", 500, quiet<watch_echo>},
    {"priority", "ferry", 100'000, priority_ferry},
    {"priority", "asio", 100'000, priority_asio},
    {"priority", "floor", 100, priority_floor},
};

} // namespace

std::span<const workload> fairness_workloads() { return all; }
