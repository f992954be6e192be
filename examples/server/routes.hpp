// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include "database.hpp"
#include "http_server.hpp"
#include "running_calls.hpp"

#include <ferry/ferry.hpp>
#include <ferry/process.hpp>

#include <boost/asio/strand.hpp>

#include <filesystem>
#include <functional>
#include <memory>
#include <string>

namespace server {

/// What the server does, and where:
///
/// | request | runs |
/// |---|---|
/// | `GET /file/NAME` | in the default pool of the event loop |
/// | `GET /db/KEY`, `PUT /db/KEY` | on a strand over a pool: the database has one connection |
/// | `GET /prime/N` | in worker processes |
/// | `GET /metrics` | in the event loop: the figures of all pools, for Prometheus |
/// | `GET /healthz` | in the event loop itself, so it tells whether that still turns |
/// | `GET /`, `GET /events` | in the event loop: a live page, and what it shows |
class routes {
public:
    routes(std::filesystem::path directory, std::shared_ptr<database> data,
           ferry::thread_pool& database_pool, ferry::process_pool& primes, ferry::timeout limit,
           std::shared_ptr<running_calls> calls, std::function<std::string()> next_event);

    asio::awaitable<response> answer(request asked);

private:
    response live() const;
    response events() const;
    asio::awaitable<response> file(std::string name);
    asio::awaitable<response> get(std::string key);
    asio::awaitable<response> put(std::string key, std::string value);
    asio::awaitable<response> prime(std::string number);

    std::filesystem::path directory_;
    std::shared_ptr<database> data_; // shared with calls that are stuck when the server ends
    asio::strand<ferry::thread_pool::executor_type> database_strand_;
    ferry::process_pool& primes_;
    ferry::timeout limit_; // of each call
    std::shared_ptr<running_calls> calls_;
    std::function<std::string()> next_event_;
};

} // namespace server
