// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
// An HTTP server for the day when too much comes. Each kind of work has a pool with a bounded
// queue; what a pool cannot do in time is refused at once with 503 and a truthful `Retry-After`, so
// that what is accepted stays fast and memory stays flat. SIGTERM lets end what is under way.
#include "database.hpp"
#include "http_server.hpp"
#include "loop_lag.hpp"
#include "observer.hpp"
#include "routes.hpp"
#include "running_calls.hpp"

#include <ferry/ferry.hpp>
#include <ferry/process.hpp>

#include <CLI/CLI.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <exception>
#include <iostream>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace asio = boost::asio;
using namespace std::chrono_literals;
using seconds = std::chrono::duration<double>;

namespace {

struct settings {
    std::uint16_t port = 0;
    std::string directory = ".";
    std::string database = ":memory:";
    std::size_t max_queue = 64;
    double max_wait = 1;
    double limit = 5;
    double drain = 10;
};

settings parse(int argc, char** argv) {
    settings s;
    CLI::App app("Serves files, a database and prime numbers on loopback.");
    app.add_option("--port", s.port, "0: any free one")->capture_default_str();
    app.add_option("--directory", s.directory, "of /file/NAME")->capture_default_str();
    app.add_option("--database", s.database, "SQLite file of /db/KEY")->capture_default_str();
    app.add_option("--max-queue", s.max_queue, "calls that wait, for each pool")
        ->capture_default_str();
    app.add_option("--max-wait", s.max_wait, "seconds that a call may wait")->capture_default_str();
    app.add_option("--limit", s.limit, "seconds that a call may run")->capture_default_str();
    app.add_option("--drain", s.drain, "seconds for what is under way at the end")
        ->capture_default_str();
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& e) {
        std::exit(app.exit(e));
    }
    return s;
}

/// The four options that bound a pool are the same for threads and for processes.
template <class Options>
Options bounded(const settings& s, std::string name, std::size_t workers) {
    Options o;
    o.max_workers = workers;
    o.name = std::move(name);
    o.max_queue = s.max_queue;
    o.max_queue_bytes = 16 << 20;
    o.max_wait = seconds(s.max_wait);
    o.when_full = ferry::when_full::reject;
    return o;
}

asio::awaitable<void> drain_when_told(asio::io_context& context, server::http_server& http,
                                      std::chrono::steady_clock::duration limit,
                                      server::time_point& deadline) {
    asio::signal_set signals(context, SIGTERM, SIGINT);
    co_await signals.async_wait(asio::use_awaitable);
    deadline = std::chrono::steady_clock::now() + limit;
    signals.clear(); // a second signal ends the program at once
    co_await http.drain(deadline);
    context.stop();
}

/// Prints what became of a pool's tasks, and returns false if some are stuck.
bool print(std::string_view pool, const ferry::pool_stats& before,
           const ferry::shutdown_report& report) {
    std::cout << pool << ": completed " << before.completed << ", failed " << before.failed
              << "; finished at the end " << report.finished << ", dropped " << report.dropped
              << '\n';
    for (const auto& task : report.stuck)
        std::cout << "  stuck: " << task.label << ", for "
                  << std::chrono::ceil<std::chrono::milliseconds>(task.age).count() << " ms\n";
    return report.stuck.empty();
}

template <class Pool>
bool end(std::string_view name, Pool& pool, server::time_point deadline) {
    const auto before = pool.stats();
    return print(name, before, pool.shutdown(deadline - std::chrono::steady_clock::now()));
}

int serve(const settings& s) {
    ferry::thread_pool files(bounded<ferry::thread_pool_options>(s, "files", 8));
    ferry::thread_pool databases(bounded<ferry::thread_pool_options>(s, "database", 1));
    auto arithmetic = bounded<ferry::process_pool_options>(s, "primes", 2);
    arithmetic.nice = 10; // the loop goes first where there are not enough processors for both
    ferry::process_pool primes(std::move(arithmetic));
    const auto limit = std::chrono::duration_cast<std::chrono::milliseconds>(seconds(s.limit));
    const auto data = std::make_shared<server::database>(s.database, limit);

    asio::io_context context(1);
    ferry::set_default_executor(context, files); // where to_thread runs its calls
    server::loop_lag lag;
    std::optional<server::observer> observer;
    const auto calls = std::make_shared<server::running_calls>();
    server::routes routes(s.directory, data, databases, primes, limit, calls,
                          [&] { return observer->latest(); });
    server::http_server http(context, {asio::ip::address_v4::loopback(), s.port},
                             [&](server::request r) { return routes.answer(std::move(r)); });
    observer.emplace(http, lag, calls,
                     std::vector<server::observer::pool>{
                         {"files", 8, s.max_queue, [&] { return files.stats(); }},
                         {"database", 1, s.max_queue, [&] { return databases.stats(); }},
                         {"primes", 2, s.max_queue, [&] { return primes.stats(); }}});
    server::time_point deadline{};
    const auto drain = std::chrono::duration_cast<std::chrono::milliseconds>(seconds(s.drain));
    asio::co_spawn(context, drain_when_told(context, http, drain, deadline), asio::detached);
    asio::co_spawn(context, http.run(), asio::detached);
    asio::co_spawn(context, lag.run(), asio::detached);
    asio::co_spawn(context, observer->run(), asio::detached);
    std::cout << "http://127.0.0.1:" << http.endpoint().port() << std::endl;
    {
        const ferry::loop_watch watch(context, {.name = "server"}); // tells of handlers that block
        context.run();
    }

    bool ended = end("files", files, deadline);
    ended = end("database", databases, deadline) && ended;
    ended = end("primes", primes, deadline) && ended;
    const auto milliseconds = [](std::chrono::nanoseconds d) {
        return static_cast<double>(d.count()) / 1e6;
    };
    std::cout << "requests " << http.requests() << ", refused " << http.refused()
              << "; loop lag: p50 " << milliseconds(lag.measured().quantile(0.5)) << " ms, p99 "
              << milliseconds(lag.measured().quantile(0.99)) << " ms" << std::endl;
    if (!ended)
        std::_Exit(1); // a call that is stuck may use what the end of this function destroys
    return 0;
}

} // namespace

int main(int argc, char** argv) {
    ferry::run_worker_if_spawned();
    const settings s = parse(argc, argv);
    try {
        return serve(s);
    } catch (const std::exception& e) {
        std::cerr << "server: " << e.what() << '\n';
        return 1;
    }
}
