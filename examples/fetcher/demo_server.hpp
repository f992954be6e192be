// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include "job.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace fetcher {

/// API servers on loopback whose answers are settled in advance: one with twenty items, one that is
/// busy and asks for a pause, and one that is broken.
class demo_server {
public:
    /// How an item answers.
    struct script {
        std::chrono::milliseconds delay{}; ///< how long its lookup blocks
        long status = 200;                 ///< what it answers in the end
        unsigned unavailable = 0;          ///< how many requests get 503 before that
        unsigned silent = 0;               ///< how many requests get no answer before that
        bool busy = false;                 ///< for a second, 429 and `Retry-After: 1`
        bool broken = false;               ///< all get 500
    };

    /// Listens on 127.0.0.1, on ports the system chooses, and serves in `context`.
    explicit demo_server(boost::asio::io_context& context);

    /// All items, as a list for `--input`.
    std::string list() const;

    /// Takes note of an outcome; what it is told is how `fetcher` is to report it.
    void check(const job& done);
    /// What was not as it was told to be, one text for each, for a client with `retries` retries.
    std::vector<std::string> deviations(unsigned retries) const;

private:
    struct outcome {
        bool ok = false;
        failure why = failure::none;
        long status = 0;
        std::size_t attempts = 0;
    };

    boost::asio::awaitable<void> accept(boost::asio::ip::tcp::acceptor& acceptor);
    boost::asio::awaitable<void> serve(boost::asio::ip::tcp::socket socket);
    const boost::asio::ip::tcp::acceptor& acceptor_for(const script& what) const;

    boost::asio::ip::tcp::acceptor items_, busy_, broken_;
    std::map<std::string, script> scripts_;
    std::map<std::string, unsigned> requests_;
    std::map<std::string, outcome> outcomes_;
    std::optional<std::chrono::steady_clock::time_point> open_again_; // of the busy one
};

} // namespace fetcher
