// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include <ferry/process/resolve.hpp>

#include <ferry/process/run_in_executor.hpp>
#include <ferry/process_pool.hpp>
#include <ferry/wait_for.hpp>

#include <boost/asio/io_context.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <vector>

namespace ferry {
namespace detail {
namespace {

namespace ip = boost::asio::ip;

constexpr std::size_t most_resolvers = 16;
constexpr std::chrono::seconds kept_idle(30);

// An endpoint is sent as the bytes of its sockaddr structure.
using sent_endpoint = std::vector<std::uint8_t>;

struct sent_results {
    std::string host; // the name that the resolver returned
    std::string service;
    std::vector<sent_endpoint> endpoints;
};

// Runs in a worker process.
sent_results look_up(const std::string& host, const std::string& service) {
    boost::asio::io_context context;
    ip::tcp::resolver resolver(context);
    sent_results r{host, service, {}};
    for (const auto& entry : resolver.resolve(host, service)) {
        const auto e = entry.endpoint();
        const auto* const bytes = reinterpret_cast<const std::uint8_t*>(e.data());
        r.endpoints.emplace_back(bytes, bytes + e.size());
        r.host = entry.host_name();
    }
    return r;
}

ip::tcp::resolver::results_type results_of(const sent_results& r) {
    std::vector<ip::tcp::endpoint> endpoints;
    for (const auto& bytes : r.endpoints) {
        ip::tcp::endpoint e;
        e.resize(bytes.size()); // throws if it is too large for an endpoint
        std::memcpy(e.data(), bytes.data(), bytes.size());
        endpoints.push_back(e);
    }
    return ip::tcp::resolver::results_type::create(endpoints.begin(), endpoints.end(), r.host,
                                                   r.service);
}

// The pool is never destroyed; its workers end with the program.
process_pool& resolvers() {
    static auto* const pool = new process_pool({.max_workers = most_resolvers,
                                                .kill_grace = std::chrono::milliseconds(0),
                                                .name = "resolve",
                                                .idle_timeout = kept_idle});
    return *pool;
}

// Takes its parameters by value, because the coroutine must own them.
boost::asio::awaitable<ip::tcp::resolver::results_type>
resolve_until(std::string host, std::string service,
              std::optional<timeout::clock::time_point> deadline) {
    const timeout left = deadline ? time_until(*deadline) : timeout();
    task_options options{.label = "resolve " + host};
    auto lookup = run_in_executor(resolvers(), std::move(options), look_up, std::move(host),
                                  std::move(service));
    const sent_results found = co_await wait_for(std::move(lookup), left);
    co_return results_of(found);
}

} // namespace
} // namespace detail

boost::asio::awaitable<boost::asio::ip::tcp::resolver::results_type>
resolve(std::string host, std::string service, timeout limit) {
    return detail::resolve_until(std::move(host), std::move(service), limit.deadline());
}

} // namespace ferry
