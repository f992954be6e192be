// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include "client.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>

#include <chrono>
#include <map>
#include <string>
#include <vector>

namespace fetcher {

/// An API server on loopback whose answers are settled in advance.
class demo_server {
public:
    /// How an item answers.
    struct script {
        std::chrono::milliseconds delay{}; ///< how long its lookup blocks
        long status = 200;                 ///< what it answers in the end
        unsigned unavailable = 0;          ///< how many requests get 503 before that
        unsigned silent = 0;               ///< how many requests get no answer before that
    };

    static constexpr unsigned items = 20;

    /// Listens on 127.0.0.1, on a port the system chooses, and serves in `context`.
    explicit demo_server(boost::asio::io_context& context);

    /// The URL under which the items 1 to `items` are found.
    std::string base_url() const;

    /// What is wrong with `results`, one text for each deviation from the scripts, for a client
    /// that retries `retries` times. Empty when every outcome is as it was told to be.
    std::vector<std::string> deviations(const std::vector<outcome>& results,
                                        unsigned retries) const;

private:
    boost::asio::awaitable<void> accept();
    boost::asio::awaitable<void> serve(boost::asio::ip::tcp::socket socket);

    boost::asio::ip::tcp::acceptor acceptor_;
    std::map<std::string, script> scripts_;
    std::map<std::string, unsigned> requests_;
};

} // namespace fetcher
